import {
  CONNECTS_PER_S,
  DAILY_SHARE,
  IDLE_BYTES_A_MONTH,
  costOf,
  type EntryCost,
} from './constants.ts';

/** What is asked for. */
export interface SizingQuestion {
  readonly devices: number;
  /** Of one device. */
  readonly entriesPerDay: number;
  readonly payloadBytes: number;
  /** The longest that a device is without a link. */
  readonly offlineMs: number;
  /** How long devices keep what the ledger has. */
  readonly retentionMs: number;
  /** What the link of a device carries. */
  readonly linkBytesPerS: number;
  /** How long the ledger keeps entries. */
  readonly ledgerMs: number;
}

/** `holdfast-sim size -o json`. */
export interface Sizing {
  readonly schema: 'holdfast.sizing/1';
  readonly deviceDiskBytes: number;
  /** From a device to the broker. */
  readonly deviceMonthBytes: number;
  /** Of one device after its longest outage, by its link. */
  readonly deviceCatchUpS: number;
  /** Of all devices that were away together for so long. */
  readonly fleetCatchUpS: number;
  readonly ledgerBytes: number;
  readonly gateways: number;
  readonly entriesPerS: number;
  readonly cost: EntryCost;
}

const DAY_MS = 86_400_000;
const MONTH_DAYS = 30;
/** LevelDB writes a table anew before it deletes the old one. */
const COMPACTION = 1.5;

/** Works out what a fleet needs, from what was measured. */
export function sizingOf(question: SizingQuestion, costs: readonly EntryCost[]): Sizing {
  const { devices, entriesPerDay, payloadBytes, linkBytesPerS } = question;
  const cost = costOf(payloadBytes, costs);
  const days = (ms: number): number => ms / DAY_MS;
  const keptDays = days(question.offlineMs) + days(question.retentionMs);
  const entriesPerS = (devices * entriesPerDay * 1_000) / DAY_MS;
  const gateways = Math.max(1, Math.ceil(entriesPerS / (cost.drainedPerS * DAILY_SHARE)));
  const backlog = entriesPerDay * days(question.offlineMs);
  const linkS = (backlog * cost.wireBytes) / linkBytesPerS;
  const takenS = backlog / cost.drainedPerS;
  const deviceCatchUpS = Math.max(linkS, takenS);
  // What comes meanwhile takes its share.
  const freePerS = Math.max(1, gateways * cost.drainedPerS - entriesPerS);
  const connectS = devices / CONNECTS_PER_S;
  return {
    schema: 'holdfast.sizing/1',
    deviceDiskBytes: Math.ceil(COMPACTION * keptDays * entriesPerDay * cost.journalBytes),
    deviceMonthBytes: Math.ceil(MONTH_DAYS * entriesPerDay * cost.wireBytes + IDLE_BYTES_A_MONTH),
    deviceCatchUpS,
    fleetCatchUpS: Math.max(deviceCatchUpS, connectS, (devices * backlog) / freePerS),
    ledgerBytes: Math.ceil(days(question.ledgerMs) * devices * entriesPerDay * cost.ledgerBytes),
    ...{ gateways, entriesPerS, cost },
  };
}
