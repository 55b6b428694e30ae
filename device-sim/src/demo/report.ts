import { formatCount } from '@holdfast/protocol';
import { audit } from '../real/audit.ts';
import { apiOf } from '../real/gateway-api.ts';
import { getJson } from '../real/until.ts';
import { verifyChain } from '../real/verify-chain.ts';
import { DEVICE, type Bench } from './bench.ts';
import type { Told } from './story.ts';

/** What an unbelieving reader can check. The content of `--json`. */
export interface DemoReport {
  readonly schema: 'holdfast.demo/1';
  readonly ok: boolean;
  readonly runs: number;
  readonly entries: {
    readonly journaled: number;
    readonly ledger: number;
    readonly missing: number;
    readonly duplicated: number;
  };
  readonly charges: { readonly orders: number; readonly doubleCharged: number };
  readonly kills: number;
  readonly outages: number;
  readonly chainVerified: boolean;
  readonly seconds: number;
}

interface Charge {
  readonly orderId: string;
  readonly refunded: boolean;
}

/** Counts everything anew, from the device, the gateway and the bank. */
export async function makeReport(bench: Bench, told: Told, seconds: number): Promise<DemoReport> {
  const api = apiOf(bench.gateway);
  const entries = await audit(bench.device, api, DEVICE);
  const { runs } = await bench.device.status();
  const charges = await getJson<Charge[]>(`${bench.paymentUrl}/charges`);
  const charged = new Set(charges.map(({ orderId }) => orderId));
  const doubleCharged = charges.length - charged.size;
  const chainVerified = await verifyChain(api);
  const completed = runs.completed ?? 0;
  const isWhole = entries.missing + entries.duplicated === 0;
  const isExact = entries.journaled === entries.ledger && doubleCharged === 0;
  return {
    schema: 'holdfast.demo/1',
    ok: isWhole && isExact && chainVerified && completed === bench.orders.length,
    runs: completed,
    entries,
    charges: { orders: charged.size, doubleCharged },
    kills: told.kills,
    outages: told.outages,
    chainVerified,
    seconds: Math.round(seconds * 10) / 10,
  };
}

export function reportText(report: DemoReport, orders: number): string {
  const { entries, charges } = report;
  const rows: readonly (readonly [string, string, boolean])[] = [
    ['runs completed', `${report.runs} of ${orders}`, report.runs === orders],
    ['entries journaled', formatCount(entries.journaled), true],
    ['entries in the ledger', formatCount(entries.ledger), entries.ledger === entries.journaled],
    ['missing', String(entries.missing), entries.missing === 0],
    ['duplicated', String(entries.duplicated), entries.duplicated === 0],
    ['orders charged', String(charges.orders), true],
    ['charged more than once', String(charges.doubleCharged), charges.doubleCharged === 0],
    ['chain verified', report.chainVerified ? 'yes' : 'no', report.chainVerified],
    ['processes killed', `${report.kills} (SIGKILL)`, true],
    ['outages', String(report.outages), true],
    ['seconds', report.seconds.toFixed(1), true],
  ];
  const lines = rows.map(
    ([name, value, holds]) => `  ${name.padEnd(24)}${value.padStart(14)}${holds ? '' : '  WRONG'}`,
  );
  const verdict = report.ok ? 'Everything held.' : 'Something did not hold.';
  return ['', ...lines, '', verdict].join('\n');
}
