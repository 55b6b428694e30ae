import type { Lane } from '@holdfast/protocol';
import { formatCount } from './format.ts';
import { Table, type Column } from './table.tsx';

/** How far a lane is, on either side. */
export interface ShownLane {
  readonly lane: Lane;
  /** Highest seq journaled; `null`: not known here. So for all. */
  readonly head: number | null;
  /** Highest seq that the device knows to be in the ledger. */
  readonly acked: number | null;
  /** Highest seq in the ledger; absent: only the gateway knows. */
  readonly applied?: number;
}

const countText = (count: number | null): string => (count === null ? '?' : formatCount(count));

function pendingOf({ head, acked, applied }: ShownLane): number | null {
  if (head === null) return null;
  return Math.max(0, head - Math.max(acked ?? 0, applied ?? 0));
}

const columns: readonly Column<ShownLane>[] = [
  { title: 'Lane', cell: ({ lane }) => lane },
  { title: 'Head', cell: ({ head }) => countText(head), isNumber: true },
  { title: 'Acked', cell: ({ acked }) => countText(acked), isNumber: true },
];
const inLedger: Column<ShownLane> = {
  title: 'Ledger',
  cell: ({ applied }) => countText(applied ?? null),
  isNumber: true,
};
const pending: Column<ShownLane> = {
  title: 'Pending',
  cell: (lane) => countText(pendingOf(lane)),
  isNumber: true,
};

/** What was journaled in each lane, and how far that is known to have arrived. */
export function LaneTable({ lanes }: { readonly lanes: readonly ShownLane[] }) {
  const hasLedger = lanes.some(({ applied }) => applied !== undefined);
  return (
    <div class="compact">
      <Table
        label="Lanes of the journal"
        columns={[...columns, ...(hasLedger ? [inLedger] : []), pending]}
        rows={lanes}
        keyOf={({ lane }) => lane}
        empty=""
      />
    </div>
  );
}
