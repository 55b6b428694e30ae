import { randomUUID } from 'node:crypto';
import { readIssueBody, readTagsBody, roleOf } from '../../core/api-command.ts';
import { readDevice } from '../../core/api-query.ts';
import type { Fleet } from '../../core/fleet-views.ts';
import type { ApiRoutes } from './routes.ts';
import * as of from './schemas/commands.ts';
import { idParams as params } from './schemas/parts.ts';

/** JSON that becomes a value of at most 48 KiB, with room for how JSON writes it. */
const COMMAND_BYTES_MAX = 256 * 1024;
const TARGET_LENGTH_MAX = 200;

/** What devices are told to do, and what became of it. */
export function addCommands(routes: ApiRoutes, fleet: Fleet): void {
  routes.change(
    'POST /api/devices/:id/tags',
    {
      ...{ role: 'operator', summary: 'Give a device these tags in the place of those it had' },
      ...{ params, body: of.tagsBody, answer: of.taggedAnswer },
      action: 'device.tag',
      target: (request) => request.params.id,
    },
    (request) => fleet.tag(readDevice(request.params.id), readTagsBody(request.body)),
  );
  routes.change(
    'POST /api/commands',
    {
      ...{ role: 'operator', summary: 'Issue a command, to a device, by tags, or to all' },
      ...{ body: of.issueBody, answer: of.commandAnswer, bodyBytesMax: COMMAND_BYTES_MAX },
      action: 'command.issue',
      needs: ({ body }) => roleOf(body.kind),
      // What it brings may be about somebody.
      target: ({ body }) => `${body.kind} ${JSON.stringify(body.to)}`.slice(0, TARGET_LENGTH_MAX),
    },
    ({ body, actor }) => {
      const issuer = { newId: () => `cmd-${randomUUID()}`, actor: actor.name };
      return fleet.issue(readIssueBody(body, issuer));
    },
  );
  addProgress(routes, fleet);
}

function addProgress(routes: ApiRoutes, fleet: Fleet): void {
  const viewer = { role: 'viewer' } as const;
  routes.read(
    'GET /api/commands',
    {
      ...{ ...viewer, summary: 'Commands and how far they are, newest first' },
      ...{ query: of.commandsQuery, answer: of.commandsAnswer },
    },
    ({ query }) => fleet.commands(query),
  );
  routes.read(
    'GET /api/commands/:id',
    {
      ...{ ...viewer, summary: 'One command and how far it is' },
      ...{ params, answer: of.commandAnswer },
    },
    (request) => fleet.command(request.params.id),
  );
  routes.read(
    'GET /api/devices/:id/commands',
    {
      ...{ ...viewer, summary: 'What a device was told to do, newest first' },
      ...{ params, query: of.deviceCommandsQuery, answer: of.deviceCommandsAnswer },
    },
    ({ params: { id }, query }) => fleet.deviceCommands({ ...query, device: readDevice(id) }),
  );
  routes.read(
    'GET /api/commands/:id/devices',
    {
      ...{ ...viewer, summary: 'What became of a command on each device' },
      ...{ params, query: of.commandDevicesQuery, answer: of.commandDevicesAnswer },
    },
    (request) => fleet.commandDevices({ ...request.query, id: request.params.id }),
  );
}
