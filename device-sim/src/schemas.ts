import { answer, boolean, count, described, list, literal } from '@holdfast/protocol/json-schema';
import { number, string, table, type Output } from '@holdfast/protocol/json-schema';

const simulation = answer({
  ...{ schema: literal('holdfast.simulation/1'), seed: count(), devices: count() },
  virtualMs: described(number(), 'of the virtual world, healing included'),
  ...{ healedMs: number(), events: count(), runs: count(), acknowledged: count() },
  ...{ entries: count(), messages: count(), bytes: count(), mishaps: table(count()) },
  ...{ boots: count(), gatewayStarts: count() },
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

/** What `holdfast-sim` prints for programs, by the commands that print it. */
export const simOutputs: readonly Output[] = [
  { schema: simulation, commands: ['run'] },
  { schema: demo, commands: ['demo'] },
];
