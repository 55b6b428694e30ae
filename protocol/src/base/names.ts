import { HoldfastError } from './errors.ts';
import { isWellFormed } from './well-formed.ts';

/** Names of steps, signals, events, services, workflows and ids of runs, in UTF-16 units. */
export const NAME_LENGTH_MAX = 128;

// eslint-disable-next-line no-control-regex -- Control characters are what is refused.
const control = /[\u0000-\u001f\u007f]/;

/**
 * Checks a name given by a user's program.
 *
 * @param what What it names, for the message: `step`, `signal`, ….
 * @throws HF_NAME_INVALID, before any effect.
 */
export function checkName(what: string, name: unknown): string {
  if (typeof name !== 'string') throw invalid(what, `is ${typeof name}, not text`);
  if (name === '') throw invalid(what, 'is empty');
  if (name.length > NAME_LENGTH_MAX) throw invalid(what, `is ${name.length} characters long`);
  if (control.test(name) || !isWellFormed(name)) {
    throw invalid(what, 'has characters that cannot be printed');
  }
  return name;
}

function invalid(what: string, why: string): HoldfastError {
  return new HoldfastError('HF_NAME_INVALID', { why: `the name of the ${what} ${why}` });
}

const deviceId = /^[A-Za-z0-9_-]{1,64}$/;

/** Whether a text can name a device: it becomes a level of a topic. */
export function isDeviceId(text: string): boolean {
  return deviceId.test(text);
}
