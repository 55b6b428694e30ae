import { checkLimit, durationMs, HoldfastError } from '@holdfast/protocol/base';
import { Option, type Command } from 'commander';
import { defaultLimits, type DeviceLimits } from './device-check.ts';
import { byteSize } from './byte-size.ts';

type Unit = 'n' | 'percent' | 'size' | 'duration';

interface LimitOption {
  /** `entries` has `--max-entries` and `--warn-entries`. */
  readonly name: string;
  readonly unit: Unit;
  readonly what: string;
  /** Less is worse: `--min-free`. */
  readonly isLeast?: boolean;
}

const options: Readonly<Record<keyof DeviceLimits, LimitOption>> = {
  entries: { name: 'entries', unit: 'n', what: 'more entries pending' },
  bytes: { name: 'bytes', unit: 'size', what: 'more bytes pending' },
  ageMs: { name: 'age', unit: 'duration', what: 'an older pending entry' },
  offlineMs: { name: 'offline', unit: 'duration', what: 'no connection for longer' },
  usedPercent: { name: 'used', unit: 'percent', what: 'a journal that takes more of its budget' },
  freeBytes: { name: 'free', unit: 'size', what: 'a disk with less room', isLeast: true },
  clockMs: { name: 'clock', unit: 'duration', what: 'a clock that is further off' },
  stuckRuns: { name: 'stuck', unit: 'n', what: 'more runs that are stuck' },
  certMs: { name: 'cert', unit: 'duration', what: 'a certificate with less left', isLeast: true },
};
const names = Object.keys(options) as readonly (keyof DeviceLimits)[]; // Of its own table.

/** What the options of limits say, by their names: `maxEntries`, `warnEntries`, `minFree`. */
export type LimitFlags = Readonly<Record<string, unknown>>;

export function addLimits(command: Command): Command {
  for (const { name, unit, what, isLeast } of Object.values(options)) {
    const value = `<${unit}>`;
    const critical = `--${bound(isLeast)}-${name} ${value}`;
    command.addOption(new Option(critical, `critical: ${what}`));
    command.addOption(new Option(`--warn-${name} ${value}`, `a warning: ${what}`));
  }
  return command;
}

/** @throws HF_USAGE, HF_DURATION_INVALID, HF_CONFIG_INVALID for a size that is none. */
export function limitsOf(flags: LimitFlags): DeviceLimits {
  const given = names.map((key) => {
    const { name, unit, isLeast = false } = options[key];
    const [critical, warn] = [`--${bound(isLeast)}-${name}`, `--warn-${name}`];
    const read = (option: string): number | undefined => {
      const text = flags[camel(option)];
      return typeof text === 'string' ? readers[unit](option, text) : undefined;
    };
    const limit = { warn: read(warn), critical: read(critical) };
    if (limit.warn === undefined && limit.critical === undefined) return [key, defaultLimits[key]];
    return [key, checkLimit(limit, { warn, critical }, isLeast)];
  });
  // One for each name of the table.
  return Object.fromEntries(given);
}

const bound = (isLeast = false): string => (isLeast ? 'min' : 'max');

function camel(option: string): string {
  return option.slice(2).replace(/-(.)/g, (_, letter: string) => letter.toUpperCase());
}

const readers: Readonly<Record<Unit, (option: string, text: string) => number>> = {
  n: (option, text) => number(option, text, 1e9),
  percent: (option, text) => number(option, text.replace(/%$/, ''), 100),
  size,
  duration: (_, text) => durationMs(text),
};

function size(option: string, text: string): number {
  try {
    return byteSize(option, text, 0);
  } catch {
    throw new HoldfastError('HF_USAGE', { why: `${option} ${text} is no size such as 512M` });
  }
}

function number(option: string, text: string, max: number): number {
  const value = /^\d{1,15}$/.test(text) ? Number(text) : Number.NaN;
  if (value <= max) return value;
  throw new HoldfastError('HF_USAGE', { why: `${option} ${text} is no integer from 0 to ${max}` });
}
