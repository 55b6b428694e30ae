import {
  HoldfastError,
  checkName,
  decodeValue,
  encodeValue,
  withheldError,
  type ValueField,
} from '@holdfast/protocol';
import { redactPaths } from './redact.ts';

/** What of a value leaves the device. Default: all of it. Of errors, names and codes leave then. */
export interface MarkedOptions {
  /** Nothing of it leaves: the ledger learns that it exists and how large it is. */
  readonly local?: boolean;
  /** It leaves with `[redacted]` at these paths, such as `card.number` or `items.*.price`. */
  readonly redact?: readonly string[];
  /** Whom it is about: what leaves of it can be erased, later, by this. Default: as the run. */
  readonly subject?: string;
}

/** The same, with more ways to redact. */
export interface MarkOptions extends Omit<MarkedOptions, 'redact'> {
  /** Or it leaves as what this function makes of it; if that throws, as `[redacted]`. */
  readonly redact?: readonly string[] | ((value: never) => unknown);
}

/** What of an entry's value leaves, and how, decided when the value is there. */
export interface Seal {
  readonly leaves: 'nothing' | 'redacted' | 'all';
  /** The encoded value that leaves instead, where it is redacted. */
  readonly shown?: Uint8Array | undefined;
  /** Whom it is about: what leaves is erasable then. Absent: as the run. */
  readonly subject?: string | undefined;
}

/** Seals a value, given encoded; `undefined`: it is not marked. */
export type Sealing = (field: ValueField, encoded: Uint8Array) => Seal | undefined;

export const unmarked: Sealing = () => undefined;

/**
 * How values with these options are sealed. Of an error its names and codes leave, whichever of
 * the two is asked for: a failure that nobody is told of helps nobody.
 *
 * @throws HF_CONFIG_INVALID
 */
export function sealingOf(options: MarkOptions): Sealing {
  const { local = false, redact } = options;
  const subject = sealAbout(options.subject)?.subject;
  if (typeof local !== 'boolean') throw invalid('local is neither true nor false');
  if (local && redact !== undefined) throw invalid('local and redact exclude each other');
  if (local) return withErrors(subject, () => ({ leaves: 'nothing' }));
  if (redact !== undefined) {
    const change = changeOf(redact);
    return withErrors(subject, (encoded) => {
      return { leaves: 'redacted', shown: redacted(change, encoded) };
    });
  }
  return subject === undefined ? unmarked : () => sealAbout(subject);
}

/** Of a value that leaves as it is, and can be erased by its subject. @throws HF_NAME_INVALID */
export function sealAbout(subject: string | undefined): Seal | undefined {
  return subject === undefined
    ? undefined
    : { leaves: 'all', subject: checkName('subject', subject) };
}

function withErrors(subject: string | undefined, seal: (encoded: Uint8Array) => Seal): Sealing {
  return (field, encoded) => {
    return { ...(field === 'error' ? sealedError(encoded) : seal(encoded)), subject };
  };
}

/** An error of which only names and codes leave. */
export function sealedError(encoded: Uint8Array): Seal {
  return { leaves: 'redacted', shown: withheldError(encoded) };
}

function changeOf(redact: NonNullable<MarkOptions['redact']>): (value: unknown) => unknown {
  // It is given what its own step, workflow or signal has, of whatever type that is.
  if (typeof redact === 'function') return redact as (value: unknown) => unknown;
  const isPaths = Array.isArray(redact) && redact.every((path) => typeof path === 'string');
  if (isPaths && redact.length > 0 && !redact.includes('')) return redactPaths(redact);
  throw invalid('redact is neither a function nor a list of paths');
}

/** What is left of the value. A function that fails must not undo the step, nor let it all out. */
function redacted(change: (value: unknown) => unknown, encoded: Uint8Array): Uint8Array {
  try {
    return encodeValue(change(decodeValue(encoded)), 'redacted');
  } catch {
    return encodeValue('[redacted]');
  }
}

function invalid(why: string): HoldfastError {
  return new HoldfastError('HF_CONFIG_INVALID', { why });
}
