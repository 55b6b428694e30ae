import { randomUUID } from 'node:crypto';
import { readIssueBody, readTagsBody } from '../../core/api-command.ts';
import {
  readCommandDevicesQuery,
  readCommandsQuery,
  readDevice,
  readNothing,
} from '../../core/api-query.ts';
import type { Fleet } from '../../core/fleet-views.ts';
import type { ApiRequest, ApiRoutes } from './routes.ts';

/** JSON that becomes a value of at most 48 KiB, with room for how JSON writes it. */
const COMMAND_BYTES_MAX = 256 * 1024;
const TARGET_LENGTH_MAX = 200;

/** What devices are told to do, and what became of it. */
export function addCommands(routes: ApiRoutes, fleet: Fleet): void {
  routes.change(
    'POST /api/devices/:id/tags',
    { role: 'operator', action: 'device.tag', target: ({ params }) => params['id'] ?? '' },
    ({ params, query, body }) => {
      readNothing(query);
      return fleet.tag(readDevice(params['id']), readTagsBody(body));
    },
  );
  routes.change(
    'POST /api/commands',
    {
      ...{ role: 'operator', action: 'command.issue', target: targetOf },
      bodyBytesMax: COMMAND_BYTES_MAX,
    },
    ({ query, body, actor }) => {
      readNothing(query);
      const issuer = { newId: () => `cmd-${randomUUID()}`, actor: actor.name };
      return fleet.issue(readIssueBody(body, issuer));
    },
  );
  routes.read('/api/commands', 'viewer', ({ query }) => fleet.commands(readCommandsQuery(query)));
  routes.read('/api/commands/:id', 'viewer', ({ params, query }) => {
    readNothing(query);
    return fleet.command(params['id'] ?? '');
  });
  routes.read('/api/commands/:id/devices', 'viewer', ({ params, query }) =>
    fleet.commandDevices(readCommandDevicesQuery(query, params['id'] ?? '')),
  );
}

/** The kind and for whom it is: what it brings may be about somebody. */
function targetOf({ body }: ApiRequest): string {
  if (typeof body !== 'object' || body === null) return '';
  const { kind, to } = { kind: undefined, to: undefined, ...body } as Record<string, unknown>;
  return `${JSON.stringify(kind)} ${JSON.stringify(to)}`.slice(0, TARGET_LENGTH_MAX);
}
