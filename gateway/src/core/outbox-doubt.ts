import { HoldfastError, encodeThrown, encodeValue, type Command } from '@holdfast/protocol';
import type { Outbox } from './outbox.ts';

/** Commands of which the device cannot read one: they are sent one by one. */
export interface Doubt {
  /** The last of them. */
  readonly through: number;
  /** The one that was refused last by itself, and how often. */
  readonly number: number;
  readonly refusals: number;
  /** What the device said. */
  readonly why: string;
}

/** Once among others and twice alone: then something else goes in its place. */
const ALONE_REFUSALS_MAX = 2;
/** And when not even that is read, nothing more is sent. */
const SILENT_REFUSALS = 2 * ALONE_REFUSALS_MAX;

/** The device reads nothing of what it is sent in the place of a command. */
export function isStalled({ doubt }: Pick<Outbox, 'doubt'>): boolean {
  return doubt !== undefined && doubt.refusals >= SILENT_REFUSALS;
}

/** A device that begins anew may read what goes in the place of a command. */
export function doubtAfter({ doubt }: Pick<Outbox, 'doubt'>, applied: number): Doubt | undefined {
  if (doubt === undefined || doubt.through <= applied) return undefined;
  return { ...doubt, refusals: Math.min(doubt.refusals, ALONE_REFUSALS_MAX) };
}

/**
 * The device cannot read a message with commands, which it knows by its last bytes. They go again
 * one by one. `undefined`: it names nothing that is on its way.
 */
export function refused(
  outbox: Outbox,
  { tail, why }: { readonly tail: string; readonly why: string },
): { readonly outbox: Outbox; readonly what: string } | undefined {
  const named = outbox.flights.filter((flight) => tail !== '' && flight.tail === tail);
  const [first, last] = [named.at(0)?.number, named.at(-1)?.number];
  if (first === undefined || last === undefined) return undefined;
  return {
    what: first === last ? `command ${first}` : `commands ${first} to ${last}`,
    outbox: {
      ...outbox,
      doubt: doubtOf(outbox, { first, last, why }),
      sent: first - 1,
      flights: outbox.flights.filter(({ number }) => number < first),
      again: outbox.reading,
    },
  };
}

function doubtOf(
  { doubt: before, sent }: Outbox,
  { first, last, why }: { readonly first: number; readonly last: number; readonly why: string },
): Doubt {
  // What was sent behind it goes again, too, and may hold another one.
  const through = Math.max(before?.through ?? 0, sent);
  if (first < last) return { through, number: first, refusals: 0, why };
  const refusals = before?.number === first ? before.refusals + 1 : 1;
  return { through, number: first, refusals, why };
}

/** What goes out for a command: itself, or what tells the device that it could not read it. */
export function readable({ doubt }: Pick<Outbox, 'doubt'>, command: Command): Command {
  const isGivenUp = doubt?.number === command.number && doubt.refusals >= ALONE_REFUSALS_MAX;
  if (!isGivenUp) return command;
  const why = `the device cannot read it: ${doubt.why}`;
  const { number, run, op, key } = command;
  if (command.kind === 'call.completed' || command.kind === 'call.failed') {
    const payload = encodeThrown(new HoldfastError('HF_MESSAGE_INVALID', { why }));
    return { number, kind: 'call.failed', expiresAtMs: 0, run, op, key, payload, name: '' };
  }
  const payload = encodeValue(why);
  return { number, kind: 'void', expiresAtMs: 0, run: '', op: 0, key, payload, name: '' };
}
