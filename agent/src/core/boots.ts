import {
  decodeCbor,
  encodeCbor,
  invalid,
  type Store,
  type StoreOp,
  type StoreRow,
} from '@holdfast/protocol';
import { bootKey, bootOfKey, tableRange } from './keys.ts';

/**
 * Who says what time it is: nobody who can be believed, the system's wall clock, or the gateway,
 * whose word is signed.
 */
export const timeSources = ['none', 'system', 'gateway'] as const;
export type TimeSource = (typeof timeSources)[number];

/** One boot of the machine, as the store knows it. */
export interface Boot {
  /** From 1. */
  readonly number: number;
  /** What the machine calls this boot; empty: it has no name for it. */
  readonly name: string;
  /** How long the boots before it were seen to last, all together, ms. */
  readonly upBeforeMs: number;
  /** How long it was seen to last when this was written, ms. */
  readonly seenMs: number;
  readonly source: TimeSource;
  /** Wall time at its begin, as `source` has it; 0: not known. */
  readonly startedAtMs: number;
  /** It began at most so much earlier or later. */
  readonly errorMs: number;
  /** What the system's wall clock said that time was, when this was written. */
  readonly wallStartedAtMs: number;
  /** The wall clock was set in it. */
  readonly wasSet: boolean;
}

/** What the machine says of the boot that it is in. */
export interface MachineBoot {
  readonly name: string;
  /** Time since it began, ms. */
  readonly monoMs: number;
  /** What its wall clock says. */
  readonly wallMs: number;
}

/** Boots of which it is known when they were. Older ones only matter to timers that sleep on. */
const BOOTS_MAX = 4_096;
const bounds = { bytesMax: 1_024, depthMax: 2, itemsMax: 16 };

/** Writes what is known of the boot that goes on, and forgets one that is long over. */
export function bootOps(boot: Boot): readonly StoreOp[] {
  const { number, name, upBeforeMs, seenMs, source, wasSet } = boot;
  const times = [upBeforeMs, seenMs, boot.startedAtMs, boot.errorMs, boot.wallStartedAtMs];
  const words = [timeSources.indexOf(source), wasSet ? 1 : 0];
  const value = encodeCbor([name, ...times.map(Math.round), ...words]);
  const put = { kind: 'put', key: bootKey(number), value } as const;
  const forgotten = number - BOOTS_MAX;
  return forgotten < 1 ? [put] : [put, { kind: 'delete', key: bootKey(forgotten) }];
}

/** The newest boots, oldest first. */
export async function readBoots(store: Store): Promise<readonly Boot[]> {
  const rows = await store.scan({ ...tableRange('k'), limit: BOOTS_MAX, reverse: true });
  return rows.map(bootOfRow).toReversed();
}

export function bootOfRow({ key, value }: StoreRow): Boot {
  const number = bootOfKey(key);
  const items = decodeCbor(value, bounds);
  if (!Array.isArray(items)) throw invalid('a boot', 'is no array');
  const [name, ...rest] = items as readonly unknown[];
  const [upBeforeMs = 0, seenMs = 0, startedAtMs = 0, errorMs = 0, ...last] = rest.map(Number);
  const [wallStartedAtMs = 0, word = 0, wasSet] = last;
  const source = timeSources[word];
  if (wasSet === undefined || source === undefined) throw invalid('a boot', 'is short');
  return {
    ...{ number, name: String(name), upBeforeMs, seenMs, source, startedAtMs, errorMs },
    ...{ wallStartedAtMs, wasSet: wasSet === 1 },
  };
}

/**
 * The boot that the machine is in: the last one that the store knows, gone on with, or the next.
 *
 * @param seen What was journaled last, if anything was.
 */
export function currentBoot(
  last: Boot | undefined,
  machine: MachineBoot,
  seen?: { readonly boot: number; readonly monoMs: number },
): Boot {
  const knownMs = last?.seenMs ?? 0;
  const lastedMs = seen?.boot === last?.number ? Math.max(knownMs, seen?.monoMs ?? 0) : knownMs;
  const isSame = machine.name !== '' && machine.name === last?.name;
  // Time that went back is that of another boot, whatever its name.
  if (last !== undefined && isSame && machine.monoMs >= lastedMs) return last;
  return {
    ...{ number: Math.max(last?.number ?? 0, seen?.boot ?? 0) + 1, name: machine.name, seenMs: 0 },
    upBeforeMs: last === undefined ? 0 : last.upBeforeMs + lastedMs,
    ...{ source: 'none', startedAtMs: 0, errorMs: 0 },
    ...{ wallStartedAtMs: machine.wallMs - machine.monoMs, wasSet: false },
  };
}

/**
 * The rows that say of a store which has come to another machine: it is here from now on. How
 * long that machine was up before, maybe while the store was elsewhere, has not passed for it.
 */
export function arrivalOps(last: Boot | undefined, machine: MachineBoot): readonly StoreOp[] {
  const boot = currentBoot(last, machine);
  if (boot.number === last?.number) return [];
  return bootOps({ ...boot, upBeforeMs: boot.upBeforeMs - machine.monoMs });
}
