import { boolean, list, literal, string } from './json-schema.ts';
import { answer } from './parts.ts';

/** Whether the gateway is well. */

export const liveAnswer = answer({
  ...{ schema: literal('holdfast.live/1'), live: boolean() },
});

export const readyAnswer = answer({
  ...{ schema: literal('holdfast.ready/1'), ready: boolean() },
  reasons: list(string()),
});
