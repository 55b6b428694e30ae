import { randomUUID } from 'node:crypto';
import { Agent, HoldfastError } from '@holdfast/agent';
import { parseProgram, untilStopped } from '../stand-ins/device-program.ts';
import { BadRequest, fault, serveJson, type Route } from '../stand-ins/http-service.ts';
import { sensorTotals } from './workflow.ts';

/**
 * The door for readings.
 *
 *   POST /readings {sensor, value} → 200 and the totals that the reading led to
 *   GET  /totals/SENSOR            → 200
 *
 * An Idempotency-Key counts once, so whoever got no answer sends the reading again.
 */
function routesOf(agent: Agent): Readonly<Record<string, Route>> {
  return {
    'POST /readings': async ({ key = randomUUID(), body }) => {
      const { sensor, value } = body;
      if (typeof sensor !== 'string' || sensor === '') throw new BadRequest('sensor is missing');
      if (typeof value !== 'number') throw new BadRequest('value is not a number');
      const totals = agent.entity(sensorTotals, sensor);
      const added = await totals.call('add', { value }, { id: key }).catch((error: unknown) => {
        // It was counted so long ago that only the totals of today can be told.
        if (codeOf(error) === 'HF_REPLY_FORGOTTEN') return totals.state();
        throw error;
      });
      return { status: 200, body: added };
    },
    'GET /totals/*': async ({ id }) => {
      return { status: 200, body: await agent.entity(sensorTotals, id).state() };
    },
  };
}

function codeOf(error: unknown): string | undefined {
  return error instanceof HoldfastError ? error.code : undefined;
}

/** What is refused, or not possible now, is no fault of this program. */
function guarded(route: Route): Route {
  return async (request) => {
    try {
      return await route(request);
    } catch (error) {
      if (error instanceof HoldfastError) return fault(statusOf(error), error.message);
      throw error;
    }
  };
}

/** A reading that is refused stays refused; anything else may go better later. */
function statusOf(error: HoldfastError): number {
  return error.code === 'HF_STEP_FAILED' || error.code === 'HF_NAME_INVALID' ? 422 : 503;
}

const { dataDir, device, port } = parseProgram();
const agent = await Agent.open({ dataDir, device, workflows: [sensorTotals], socket: true });
const routes = Object.entries(routesOf(agent)).map(([name, route]) => [name, guarded(route)]);
const door = await serveJson(port, Object.fromEntries(routes) as Record<string, Route>);
process.stdout.write(`${JSON.stringify({ pid: process.pid, url: door.url })}\n`);

await untilStopped();
await door.close();
await agent.close();
