import { boolean, integer, list, literal, string } from '@holdfast/protocol/json-schema';
import { answer, question } from './parts.ts';

/** Whether the gateway is well. */

export const liveAnswer = answer({
  ...{ schema: literal('holdfast.live/1'), live: boolean() },
});

export const readyAnswer = answer({
  ...{ schema: literal('holdfast.readiness/1'), ready: boolean() },
  reasons: list(string()),
});

export const metricsQuery = question(
  {},
  {
    devices: integer({
      ...{ minimum: 1, maximum: 1_000 },
      description: 'with the backlogs of so many devices, the largest',
    }),
  },
);

/** Which some ask with, and which changes nothing: all is told anyway. */
export const healthQuery = question({}, { verbose: string({ maxLength: 5 }) });
