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

export function usage(why: string): HoldfastError {
  return new HoldfastError('HF_USAGE', { why });
}
