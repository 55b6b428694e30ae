import { isDeviceId, lanes, type Lane } from '@holdfast/protocol';
import type { Tag } from '../dispatch.ts';
import type { EntryView } from '../fleet-views.ts';

/** Where an entry is: its identity. */
export interface OutPlace {
  readonly device: string;
  readonly epoch: number;
  readonly lane: Lane;
  readonly seq: number;
}

/** An entry of the ledger on its way out, as people see it. */
export interface OutRecord extends EntryView {
  /** `device/epoch/lane/seq`: the same however often it goes out. */
  readonly id: string;
  readonly device: string;
  /** Of its run; empty: it is of none, or of one that is not known. */
  readonly workflow: string;
}

/** Takes records out of the ledger: those of a device in the order of their lanes. */
export interface Sink {
  /** Resolves once it has them. What it rejects is given again, or not, as its owner has it. */
  take(records: readonly OutRecord[]): Promise<void>;
}

/** Which entries go out: those that fit in all that is said. */
export interface OutFilter {
  /** Of one of these; empty: of any. */
  readonly devices: readonly string[];
  /** Of devices that have all of these. */
  readonly tags: readonly Tag[];
  readonly workflows: readonly string[];
  readonly kinds: readonly string[];
  /** When they were received: from, and before. 0: any time. */
  readonly sinceMs: number;
  readonly beforeMs: number;
}

export const everything: OutFilter = Object.freeze({
  ...{ devices: [], tags: [], workflows: [], kinds: [], sinceMs: 0, beforeMs: 0 },
});

export function outId({ device, epoch, lane, seq }: OutPlace): string {
  return `${device}/${epoch}/${lane}/${seq}`;
}

/** What `outId` was made of; `undefined` for any other text. */
export function readOutId(id: string): OutPlace | undefined {
  const [device = '', epoch = '', lane = '', seq = '', ...more] = id.split('/');
  const found = lanes.find((each) => each === lane);
  const isNumber = (text: string): boolean => /^[1-9]\d{0,15}$/.test(text);
  if (!isDeviceId(device) || found === undefined || more.length > 0) return undefined;
  if (!isNumber(epoch) || !isNumber(seq)) return undefined;
  return { device, epoch: Number(epoch), lane: found, seq: Number(seq) };
}
