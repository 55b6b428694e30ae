import { slotOf } from './device-slot.ts';
import type { Dispatch, Outcome } from './dispatch.ts';
import type { Draft } from './ledger-draft.ts';
import { behind, tallyKey, talliesOf } from './ledger-keys.ts';
import { tallyRow } from './ledger-rows.ts';
import type { Reads } from './ledger-store.ts';

/**
 * Of each dispatch so many rows count what became of it: one alone, all devices that answer would
 * wait for. A multiple of the lanes in which works are committed, so that no two lanes meet.
 */
const SLOTS = 64;

/** Of one slot. Each only grows, so that a sum over all is never less than nothing. */
const none = { given: 0, applied: 0, expired: 0, rejected: 0 };
type Tally = typeof none;

/** The row in which a device is counted. */
export function tallyKeyOf(id: string, device: string): Uint8Array {
  return tallyKey(id, slotOf(device, SLOTS));
}

/** Counts one device more. The row must have been loaded. */
export function countDevice(
  draft: Draft,
  { id, device }: { readonly id: string; readonly device: string },
  what: 'given' | Exclude<Outcome, 'waiting'>,
): void {
  const key = tallyKeyOf(id, device);
  const tally = draft.get(key, tallyRow) ?? none;
  draft.put(key, tallyRow.encode({ ...tally, [what]: tally[what] + 1 }));
}

/** Counts devices of one dispatch that were not counted. */
export class Tallies {
  readonly #bySlot = new Map<number, Tally>();

  add({ device, outcome }: { readonly device: string; readonly outcome: Outcome }): void {
    const slot = slotOf(device, SLOTS);
    const tally = this.#bySlot.get(slot) ?? none;
    const given = { ...tally, given: tally.given + 1 };
    const counted = outcome === 'waiting' ? given : { ...given, [outcome]: given[outcome] + 1 };
    this.#bySlot.set(slot, counted);
  }

  put(draft: Draft, id: string): void {
    for (const [slot, tally] of this.#bySlot) draft.put(tallyKey(id, slot), tallyRow.encode(tally));
  }
}

/** On how many devices what became of a dispatch, without a look at the devices. */
export async function readCounts(reads: Reads, id: string): Promise<Dispatch['counts']> {
  const prefix = talliesOf(id);
  const rows = await reads.scan({ from: prefix, to: behind(prefix), limit: SLOTS });
  const all = rows.reduce<Tally>((sum, { value }) => {
    const { given, applied, expired, rejected } = tallyRow.decode(value);
    return {
      ...{ given: sum.given + given, applied: sum.applied + applied },
      ...{ expired: sum.expired + expired, rejected: sum.rejected + rejected },
    };
  }, none);
  const { given, applied, expired, rejected } = all;
  return { waiting: Math.max(0, given - applied - expired - rejected), applied, expired, rejected };
}
