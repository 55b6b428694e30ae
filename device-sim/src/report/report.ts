import type { CatchUp, Sample } from '../virtual/observer.ts';
import type { OrderCounts } from '../virtual/order-checks.ts';
import type { Happened } from '../virtual/timeline.ts';
import type { Violation } from '../virtual/witness.ts';

/** What is judged, by the promise that it belongs to. */
export const judged: readonly (readonly [promise: string, what: string])[] = [
  ['P1', 'what was acknowledged to a caller is there, once'],
  ['P2', 'every run comes to the end that its input says'],
  ['P3', 'the ledger is the journal: each entry once, in order, acknowledged only when durable'],
  ['P4', 'nothing is lost unless the ledger was told, and nothing is refused without a code'],
  ['P5', 'what has its outcome never runs again; effects happen once for each key'],
  ['P6', 'a command, and the result of a call, is applied once'],
  ['P7', 'agent and gateway start, whatever the power cut left'],
  ['P8', 'a device is told what is for it, and is known by its own key'],
  ['P9', 'the chains agree and verify; nothing forged or changed is taken'],
  ['P10', 'what is marked local, or redacted, is in nothing that leaves'],
  ['P11', 'at rest nothing is in memory, the disk lets go of what has ended, the wire is silent'],
  ['P12', 'no sleep ends before its time; the ledger knows when each thing happened'],
];

/** What was not put to the test is neither held nor broken. */
export function verdictOf(
  { checked, violations }: Pick<SimulationReport, 'checked' | 'violations'>,
  promise: string,
): 'held' | 'broken' | 'not looked at' {
  if (violations.some((each) => each.promise === promise)) return 'broken';
  return (checked[promise] ?? 0) === 0 ? 'not looked at' : 'held';
}

export interface DeviceReport {
  readonly device: string;
  readonly entries: number;
  readonly pending: number;
  readonly pendingMax: number;
  readonly runs: number;
  /** Starts of its agent. */
  readonly boots: number;
  readonly catchUps: number;
  readonly worstCatchUpMs: number;
  readonly violations: number;
}

/** Of all times from a connection until nothing was pending, ms. */
export interface CatchUpReport {
  readonly count: number;
  readonly p50Ms: number;
  readonly p95Ms: number;
  readonly p99Ms: number;
  readonly worst: CatchUp | null;
  /** How many took less than 2, 4, 8 … ms, and not less than half of it. */
  readonly histogram: readonly number[];
}

/** What came of a scenario; the same for the same seed. */
export interface SimulationReport {
  readonly schema: 'holdfast.simulation/1';
  readonly scenario: string;
  readonly seed: number;
  readonly devices: number;
  /** Of real processes, in real time: nothing of it is the same again but what was asked for. */
  readonly isReal: boolean;
  /** It was stopped before its end: the end was not judged. */
  readonly isCutShort: boolean;
  /** Of the virtual world, or of a fleet of real processes, healing included. */
  readonly virtualMs: number;
  readonly healedMs: number;
  readonly events: number;
  readonly runs: number;
  readonly acknowledged: number;
  readonly entries: number;
  readonly messages: number;
  readonly bytes: number;
  /** How often what went wrong: faults of the scenario, and what messages met. */
  readonly mishaps: Readonly<Record<string, number>>;
  readonly boots: number;
  readonly gatewayStarts: number;
  /** What became of commands; of a world that did not come to its end nobody knows. */
  readonly orders: Readonly<OrderCounts>;
  /** How often each promise was put to the test. */
  readonly checked: Readonly<Record<string, number>>;
  readonly catchUp: CatchUpReport;
  readonly fleet: readonly DeviceReport[];
  /** How the fleet stood, a hundred times and while it healed. */
  readonly samples: readonly Sample[];
  /** What went wrong and when, at most 500 of each kind. */
  readonly timeline: readonly Happened[];
  /** Of everything that happened. */
  readonly digest: string;
  /** Empty: every promise held. */
  readonly violations: readonly Violation[];
}

export function catchUpReport(all: readonly CatchUp[]): CatchUpReport {
  const sorted = all.toSorted((a, b) => a.tookMs - b.tookMs);
  const at = (share: number): number =>
    sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))]?.tookMs ?? 0;
  return {
    ...{ count: all.length, p50Ms: at(0.5), p95Ms: at(0.95), p99Ms: at(0.99) },
    worst: sorted.at(-1) ?? null,
    histogram: histogramOf(sorted),
  };
}

function histogramOf(all: readonly CatchUp[]): number[] {
  const counts: number[] = [];
  for (const { tookMs } of all) {
    const at = Math.floor(Math.log2(tookMs + 1));
    while (counts.length <= at) counts.push(0);
    counts[at] = (counts[at] ?? 0) + 1;
  }
  return counts;
}

/** What a report is told with, that differs between two runs of one seed. */
export interface Telling {
  /** The command that gives the same again. */
  readonly again: string;
  /** By the clock on the wall. */
  readonly tookMs: number;
}
