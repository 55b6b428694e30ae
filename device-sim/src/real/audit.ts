import type { Lane } from '@holdfast/protocol';
import type { SocketClient } from '@holdfast/agent/internal';
import { getFromApi, type GatewayApi } from './gateway-api.ts';

/** Journal and ledger, entry by entry. */
export interface Audit {
  /** Entries that the device has journaled. */
  readonly journaled: number;
  /** Rows that the ledger holds. */
  readonly ledger: number;
  /** Journaled, and not in the ledger. */
  readonly missing: number;
  /** In the ledger more than once. */
  readonly duplicated: number;
}

interface LedgerPage {
  readonly entries: readonly { readonly seq: number }[];
}

const PAGE = 500;

/** Reads every seq of every lane from the gateway's API and compares with the device's heads. */
export async function audit(
  device: SocketClient,
  api: GatewayApi,
  name: string,
): Promise<Audit> {
  const { backlog } = await device.status();
  const sums = { journaled: 0, ledger: 0, missing: 0, duplicated: 0 };
  for (const { lane, head } of backlog.lanes) {
    const seqs = await ledgerSeqs(api, name, lane);
    const distinct = new Set(seqs);
    sums.journaled += head;
    sums.ledger += seqs.length;
    sums.duplicated += seqs.length - distinct.size;
    for (let seq = 1; seq <= head; seq += 1) if (!distinct.has(seq)) sums.missing += 1;
  }
  return sums;
}

async function ledgerSeqs(api: GatewayApi, device: string, lane: Lane): Promise<number[]> {
  const seqs: number[] = [];
  for (;;) {
    const query = `lane=${lane}&after=${seqs.at(-1) ?? 0}&limit=${PAGE}`;
    const path = `/api/devices/${device}/entries?${query}`;
    const { entries } = await getFromApi<LedgerPage>(api, path);
    seqs.push(...entries.map((entry) => entry.seq));
    if (entries.length < PAGE) return seqs;
  }
}
