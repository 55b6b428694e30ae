import { answer, boolean, count, described, list, literal } from '@holdfast/protocol/json-schema';
import { nullable, number, ownOutputs, string, table } from '@holdfast/protocol/json-schema';
import type { Output } from '@holdfast/protocol/json-schema';

const catchUp = answer({ device: string(), atMs: number(), tookMs: number(), entries: count() });

const simulation = answer({
  ...{ schema: literal('holdfast.simulation/1'), scenario: string(), seed: count() },
  ...{ devices: count() },
  isReal: described(boolean(), 'of real processes, in real time'),
  isCutShort: described(boolean(), 'it was stopped: the end was not judged'),
  virtualMs: described(number(), 'of the virtual world, healing included'),
  ...{ healedMs: number(), events: count(), runs: count(), acknowledged: count() },
  ...{ entries: count(), messages: count(), bytes: count(), mishaps: table(count()) },
  ...{ boots: count(), gatewayStarts: count() },
  orders: answer({ applied: count(), expired: count(), rejected: count() }),
  checked: described(table(count()), 'how often each promise was put to the test'),
  catchUp: answer({
    ...{ count: count(), p50Ms: number(), p95Ms: number(), p99Ms: number() },
    worst: nullable(catchUp),
    histogram: described(list(count()), 'how many took less than 2, 4, 8 … ms'),
  }),
  fleet: list(
    answer({
      ...{ device: string(), entries: count(), pending: count(), pendingMax: count() },
      ...{ runs: count(), boots: count(), catchUps: count(), worstCatchUpMs: number() },
      violations: count(),
    }),
  ),
  samples: list(
    answer({
      ...{ atMs: number(), entries: count(), pending: count() },
      ...{ offline: count(), down: count() },
    }),
  ),
  timeline: described(
    list(answer({ kind: string(), device: string(), fromMs: number(), toMs: nullable(number()) })),
    'what went wrong and when, at most 500 of each kind; no device: all of them',
  ),
  digest: described(string(), 'of everything that happened: the same for the same seed'),
  violations: described(
    list(answer({ promise: string(), device: string(), what: string() })),
    'empty: every promise held',
  ),
});

const demo = answer({
  ...{ schema: literal('holdfast.demo/1'), ok: boolean(), runs: count() },
  entries: answer({
    ...{ journaled: count(), ledger: count(), missing: count(), duplicated: count() },
  }),
  charges: answer({ orders: count(), doubleCharged: count() }),
  ...{ kills: count(), outages: count(), chainVerified: boolean(), seconds: number() },
});

const sizing = answer({
  ...{ schema: literal('holdfast.sizing/1'), deviceDiskBytes: count(), deviceMonthBytes: count() },
  ...{ deviceCatchUpS: number(), fleetCatchUpS: number(), ledgerBytes: count() },
  ...{ gateways: count(), entriesPerS: number() },
  cost: described(
    answer({
      ...{ payloadBytes: number(), journalBytes: number(), ledgerBytes: number() },
      ...{ wireBytes: number(), drainedPerS: number() },
    }),
    'what one entry costs, as measured',
  ),
});

/** What `holdfast-sim` prints for programs, by the commands that print it. */
export const simOutputs: readonly Output[] = [
  { schema: simulation, commands: ['run'] },
  { schema: sizing, commands: ['size'] },
  { schema: demo, commands: ['demo'] },
  ...ownOutputs,
];
