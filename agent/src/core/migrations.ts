import { HoldfastError, equalBytes, type StoreRow } from '@holdfast/protocol';
import { metaKey } from './keys.ts';
import type { LevelRow } from './level-format/write-batch.ts';
import type { RowSource } from './salvage-rows.ts';

/** One step of the format of stores: from one number to the next. */
export interface Migration {
  /** The format whose rows it takes; it gives rows of the next one. */
  readonly from: number;
  /** What becomes of a row, the mark left out; nothing: it goes. The same row gives the same. */
  readonly row: (row: StoreRow) => readonly StoreRow[];
}

/** In order, from the oldest format that this version takes. */
export const migrations: readonly Migration[] = [];

/**
 * The steps from one format to another, as one.
 *
 * @throws HF_STORE_OLDER when they do not lead there.
 */
export function pathBetween(
  { from, to }: { readonly from: number; readonly to: number },
  known: readonly Migration[],
): Migration['row'] {
  const steps: Migration[] = [];
  for (let format = from; format < to; format += 1) {
    const step = known.find((each) => each.from === format);
    if (step === undefined) {
      const why = `it has format ${from}, and this version knows no way from ${format} on`;
      throw new HoldfastError('HF_STORE_OLDER', { why });
    }
    steps.push(step);
  }
  return (row) => steps.reduce<readonly StoreRow[]>((rows, step) => rows.flatMap(step.row), [row]);
}

/** The rows of the files of a damaged store, as this version would have written them. */
export async function* migratedRows(
  sources: AsyncIterable<RowSource>,
  row: Migration['row'],
): AsyncGenerator<RowSource, void> {
  const mark = metaKey('holdfast');
  for await (const source of sources) {
    const rows = source.rows.flatMap(({ key, value, sequence }): LevelRow[] => {
      // Which row a deleted one had become cannot be told: what it was is gone in any case.
      if (value === undefined || equalBytes(key, mark)) return [{ key, value, sequence }];
      return row({ key, value }).map((made) => ({ ...made, sequence }));
    });
    yield { ...source, rows };
  }
}
