import type { Report } from '@holdfast/protocol';

/** What time it truly was at a moment of a boot's monotonic clock. */
export interface ClockSample {
  readonly monoMs: number;
  readonly atMs: number;
  /** It was at most so much earlier or later. */
  readonly errorMs: number;
}

export interface BootSample extends ClockSample {
  readonly boot: number;
}

/** A hello, by the clock of the device and by that of this gateway. */
export interface Greeting {
  readonly boot: number;
  readonly monoMs: number;
  readonly heardAtMs: number;
  /** `undefined`: it has not been answered. */
  readonly welcomedAtMs: number | undefined;
}

/**
 * Compares the two clocks. The hello was sent before it was heard; the first report behind it was
 * sent after the welcome was, and before it was heard. So the true time at a moment of the device's
 * clock lies between two bounds that are one round trip apart, whatever its wall clock says.
 *
 * @returns `undefined`: this report does not belong to this greeting, or one of the clocks jumped.
 */
export function sampleOf(
  greeting: Greeting | undefined,
  report: Pick<Report, 'boot' | 'monoMs'>,
  nowMs: number,
): BootSample | undefined {
  if (greeting?.welcomedAtMs === undefined) return undefined;
  const { boot, monoMs } = report;
  if (boot !== greeting.boot || monoMs < greeting.monoMs) return undefined;
  const earliestMs = greeting.welcomedAtMs;
  const latestMs = Math.min(nowMs, greeting.heardAtMs + monoMs - greeting.monoMs);
  const widthMs = latestMs - earliestMs;
  // Both clocks count whole milliseconds.
  if (widthMs < -2) return undefined;
  const errorMs = Math.ceil(Math.max(0, widthMs) / 2);
  return { boot, monoMs, atMs: latestMs - errorMs, errorMs };
}

/** More comparisons of one boot than that say no more. */
const SAMPLES_MAX = 32;
/** Clocks that differ by less are said to agree: people and networks see no less. */
const AGREE_MS = 1_000;

/**
 * Takes a sample in, if it tells something: that the monotonic clock drifts or has stopped for a
 * while, or the same more exactly.
 *
 * @returns The same list if it does not.
 */
export function withSample(
  samples: readonly ClockSample[],
  sample: ClockSample,
): readonly ClockSample[] {
  const known = samples.length === 0 ? undefined : timeAt(samples, sample.monoMs);
  if (known === undefined) return [sample];
  const byMs = Math.abs(known.atMs - sample.atMs);
  const isNews = byMs > known.errorMs + sample.errorMs + AGREE_MS;
  const isBetter = samples.length === 1 && sample.errorMs * 2 < known.errorMs;
  if (isBetter && !isNews) return [sample];
  if (!isNews) return samples;
  const all = [...samples, sample].toSorted((a, b) => a.monoMs - b.monoMs);
  if (all.length <= SAMPLES_MAX) return all;
  return all.filter((_, index) => index % 2 === 0 || index === all.length - 1);
}

/**
 * The true time at a moment of the monotonic clock: between two samples as if it had drifted
 * evenly, beyond them as the nearest says.
 *
 * @param samples At least one, in their order.
 */
function timeAt(samples: readonly ClockSample[], monoMs: number): ClockSample | undefined {
  const after = samples.find((each) => each.monoMs >= monoMs);
  const before = samples.findLast((each) => each.monoMs <= monoMs);
  const [from, to] = [before ?? after, after ?? before];
  if (from === undefined || to === undefined) return undefined;
  const spanMs = to.monoMs - from.monoMs;
  const offsetMs = from.atMs - from.monoMs;
  const driftMs = to.atMs - to.monoMs - offsetMs;
  const part = spanMs === 0 ? 0 : (monoMs - from.monoMs) / spanMs;
  const errorMs = Math.max(from.errorMs, to.errorMs);
  return { monoMs, atMs: Math.round(monoMs + offsetMs + driftMs * part), errorMs };
}

/** What is known of the clocks of one epoch of a device, by boot. */
export type DeviceClocks = ReadonlyMap<number, readonly ClockSample[]>;

/** When something happened, by the clocks of the device. */
export interface Stamp {
  readonly atMs: number;
  readonly boot: number;
  readonly monoMs: number;
}

/**
 * `ok`: the device's wall clock agreed with the gateway's. `corrected`: it did not, and the true
 * time is known. `unsynced`: that boot was over before the clocks could be compared.
 */
export const clockFlags = ['ok', 'corrected', 'unsynced'] as const;
export type ClockFlag = (typeof clockFlags)[number];

/** When something happened, as well as the gateway knows. */
export interface TrueTime {
  readonly clock: ClockFlag;
  /** Of an unsynced boot: the device's own time, where it lies within the bounds. */
  readonly atMs: number;
  /** It happened between these two; 0 and infinity: nothing bounds it on that side. */
  readonly notBeforeMs: number;
  readonly notAfterMs: number;
}

/** @param receivedAtMs When it had arrived; infinity where that is not known. */
export function trueTime(
  clocks: DeviceClocks,
  stamp: Stamp,
  receivedAtMs = Number.POSITIVE_INFINITY,
): TrueTime {
  const samples = clocks.get(stamp.boot) ?? [];
  const known = timeAt(samples, stamp.monoMs);
  if (known === undefined) return boundedTime(clocks, stamp, receivedAtMs);
  const { atMs, errorMs } = known;
  const bounds = { notBeforeMs: atMs - errorMs, notAfterMs: atMs + errorMs };
  const isRight = Math.abs(stamp.atMs - atMs) <= errorMs + AGREE_MS;
  return isRight
    ? { clock: 'ok', atMs: stamp.atMs, ...bounds }
    : { clock: 'corrected', atMs, ...bounds };
}

/** A boot lies behind what is known of those before it, and before those behind it began. */
function boundedTime(clocks: DeviceClocks, stamp: Stamp, receivedAtMs: number): TrueTime {
  let [notBeforeMs, notAfterMs] = [0, receivedAtMs];
  for (const [boot, samples] of clocks) {
    const [first, last] = [samples.at(0), samples.at(-1)];
    if (first === undefined || last === undefined) continue;
    if (boot < stamp.boot) notBeforeMs = Math.max(notBeforeMs, last.atMs - last.errorMs);
    else notAfterMs = Math.min(notAfterMs, first.atMs - first.monoMs + first.errorMs);
  }
  const atMs = Math.max(notBeforeMs, Math.min(notAfterMs, stamp.atMs));
  return { clock: 'unsynced', atMs, notBeforeMs, notAfterMs };
}
