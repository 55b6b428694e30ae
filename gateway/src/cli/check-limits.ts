import { checkLimit, durationMs } from '@holdfast/protocol';
import { Option, type Command } from 'commander';
import { defaultFleetLimits, type FleetLimits } from '../core/fleet-check.ts';
import { usage } from './options.ts';

interface LimitOption {
  /** `entries` has `--max-entries` and `--warn-entries`. */
  readonly name: string;
  readonly unit: 'n' | 'duration';
  readonly what: string;
  /** Less is worse: `--min-cert`. */
  readonly isLeast?: boolean;
}

const options: Readonly<Record<keyof FleetLimits, LimitOption>> = {
  stuck: { name: 'stuck', unit: 'n', what: 'more devices that are stuck' },
  conflict: { name: 'conflict', unit: 'n', what: 'more identities that two devices have' },
  late: { name: 'late', unit: 'n', what: 'more devices that are late' },
  entries: { name: 'entries', unit: 'n', what: 'more entries pending, in all' },
  ageMs: { name: 'age', unit: 'duration', what: 'an older pending entry' },
  lagMs: { name: 'lag', unit: 'duration', what: 'an older one of a device with a link' },
  certMs: { name: 'cert', unit: 'duration', what: 'an authority with less left', isLeast: true },
};
const names = Object.keys(options) as readonly (keyof FleetLimits)[]; // Of its own table.

/** What the options of limits say, by their names: `maxEntries`, `warnEntries`, `minCert`. */
export type LimitFlags = Readonly<Record<string, unknown>>;

export function addLimits(command: Command): Command {
  for (const { name, unit, what, isLeast } of Object.values(options)) {
    const critical = `--${isLeast === true ? 'min' : 'max'}-${name} <${unit}>`;
    command.addOption(new Option(critical, `critical: ${what}`));
    command.addOption(new Option(`--warn-${name} <${unit}>`, `a warning: ${what}`));
  }
  return command;
}

/** @throws HF_USAGE, HF_DURATION_INVALID */
export function limitsOf(flags: LimitFlags): FleetLimits {
  const isLateKnown = flags['lateAfter'] !== undefined;
  const given = names.map((key) => {
    const { name, unit, isLeast = false } = options[key];
    const [critical, warn] = [`--${isLeast ? 'min' : 'max'}-${name}`, `--warn-${name}`];
    const read = (option: string): number | undefined => {
      const text = flags[camel(option)];
      if (typeof text !== 'string') return undefined;
      return unit === 'duration' ? durationMs(text) : count(option, text);
    };
    const limit = { warn: read(warn), critical: read(critical) };
    const isGiven = limit.warn !== undefined || limit.critical !== undefined;
    // Who says from when on a device is late wants to be told of one.
    const own = key === 'late' && isLateKnown ? { warn: 0, critical: undefined } : undefined;
    if (!isGiven) return [key, own ?? defaultFleetLimits[key]];
    return [key, checkLimit(limit, { warn, critical }, isLeast)];
  });
  // One for each name of the table.
  return Object.fromEntries(given);
}

function camel(option: string): string {
  return option.slice(2).replace(/-(.)/g, (_, letter: string) => letter.toUpperCase());
}

function count(option: string, text: string): number {
  if (/^\d{1,15}$/.test(text)) return Number(text);
  throw usage(`${option} ${text} is no integer`);
}
