import { parseArgs, type ParseArgsConfig } from 'node:util';
import { HoldfastError, messageOf } from '@holdfast/protocol';

const SECONDS_DEFAULT = 3;

const common = {
  seconds: { type: 'string' },
  json: { type: 'boolean', default: false },
  smoke: { type: 'boolean', default: false },
  results: { type: 'string' },
} as const;

/** What was given on the command line. @throws HF_USAGE */
export function readArguments<T extends NonNullable<ParseArgsConfig['options']>>(
  more: T,
): ReturnType<typeof parseArgs<{ allowPositionals: true; options: typeof common & T }>> {
  try {
    return parseArgs({ allowPositionals: true, options: { ...common, ...more } });
  } catch (cause) {
    throw usage(messageOf(cause));
  }
}

/** How long to measure, in seconds. @throws HF_USAGE */
export function secondsOf(given: string | undefined): number {
  const seconds = Number(given ?? SECONDS_DEFAULT);
  if (!(seconds > 0 && seconds <= 3_600)) throw usage('--seconds takes a number up to 3600');
  return seconds;
}

/**
 * Those that were named, in the order of all; with no name, all of them.
 *
 * @throws HF_USAGE for a name that none has.
 */
export function chosenOf<T extends { readonly name: string }>(
  what: string,
  all: readonly T[],
  { given, isMeant }: Choice,
): readonly T[] {
  const names = all.map(({ name }) => name);
  const unknown = given.find((each) => !names.some((name) => isMeant(name, each)));
  if (unknown !== undefined) throw usage(`no ${what} ${unknown}; there are ${names.join(', ')}`);
  if (given.length === 0) return all;
  return all.filter(({ name }) => given.some((each) => isMeant(name, each)));
}

interface Choice {
  readonly given: readonly string[];
  /** Whether a name is one that was given. */
  readonly isMeant: (name: string, given: string) => boolean;
}

export function usage(why: string): HoldfastError {
  return new HoldfastError('HF_USAGE', { why });
}
