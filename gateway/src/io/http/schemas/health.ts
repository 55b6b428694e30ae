import { boolean, list, literal, string } from '@holdfast/protocol/json-schema';
import { answer } from './parts.ts';

/** Whether the gateway is well. */

export const liveAnswer = answer({
  ...{ schema: literal('holdfast.live/1'), live: boolean() },
});

export const readyAnswer = answer({
  ...{ schema: literal('holdfast.readiness/1'), ready: boolean() },
  reasons: list(string()),
});
