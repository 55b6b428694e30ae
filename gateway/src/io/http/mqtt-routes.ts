import type { MqttHook } from '../../core/access/mqtt-hook.ts';
import type { ApiRoutes } from './routes.ts';
import * as of from './schemas/mqtt.ts';

/** What brokers ask, with an API token: who is a device, and what it may do. */
export function addMqttHook(routes: ApiRoutes, hook: MqttHook): void {
  const viewer = { role: 'viewer' } as const;
  routes.read(
    'POST /api/mqtt/authenticate',
    {
      ...{ ...viewer, summary: 'Whether who connects to a broker is a device, and its rights' },
      ...{ body: of.hookClient, answer: of.hookAdmission },
    },
    ({ body }) => hook.admission(body),
  );
  routes.read(
    'POST /api/mqtt/authorize',
    {
      ...{ ...viewer, summary: 'Whether a device may publish, or subscribe, to a topic' },
      ...{ body: of.hookAction, answer: of.hookAnswer },
    },
    ({ body }) => hook.action(body),
  );
}
