import { HoldfastError, messageOf } from '@holdfast/protocol';
import type { Context, MapOptions, MapResult, Scope } from './workflow.ts';

export interface MapWork<I, T> {
  readonly each: (item: I, ctx: Context, index: number) => Promise<T>;
  readonly options: MapOptions;
  /** Why all of it is cancelled from outside; `undefined`: it is not. */
  readonly cancelled: () => HoldfastError | undefined;
}

/**
 * Does the work of `ctx.map`. Made of scopes and promises alone: what ends first is decided by the
 * order of the history, so a batch that ends early has the same members in every replay.
 */
export async function mapItems<I, T>(
  ctx: Context,
  items: readonly I[],
  { each, options, cancelled }: MapWork<I, T>,
): Promise<MapResult<T>[]> {
  const limits = checkLimits(items.length, options);
  const results: MapResult<T>[] = items.map(() => ({ status: 'skipped' }));
  const atWork = new Set<Scope<T>>();
  const counts = { next: 0, fulfilled: 0, rejected: 0 };
  const isEnough = (): boolean =>
    counts.fulfilled >= limits.minSuccessful && counts.fulfilled + counts.rejected < items.length
      ? options.minSuccessful !== undefined
      : false;

  const work = async (): Promise<void> => {
    while (counts.next < items.length && !isEnough() && counts.rejected <= limits.tolerated) {
      if (cancelled() !== undefined) return;
      const index = counts.next;
      counts.next += 1;
      // Each index is below the length.
      const scope = ctx.scope((inner) => each(items[index] as I, inner, index));
      atWork.add(scope);
      try {
        const value = await scope.result;
        if (results[index]?.status !== 'skipped' || isEnough()) continue;
        results[index] = { status: 'fulfilled', value };
        counts.fulfilled += 1;
      } catch (reason) {
        if (isEnough() || counts.rejected > limits.tolerated) continue;
        results[index] = { status: 'rejected', reason };
        counts.rejected += 1;
      } finally {
        atWork.delete(scope);
      }
      if (isEnough() || counts.rejected > limits.tolerated) {
        for (const other of atWork) other.cancel('the map has ended');
      }
    }
  };
  await Promise.all(Array.from({ length: Math.min(limits.concurrency, items.length) }, work));
  const reason = cancelled();
  if (reason !== undefined) throw reason;
  if (counts.rejected > limits.tolerated) throw mapFailed(results);
  return results;
}

function checkLimits(length: number, options: MapOptions) {
  const { concurrency = 8, minSuccessful = length } = options;
  const spare = options.minSuccessful === undefined ? 0 : length - minSuccessful;
  const tolerated = options.toleratedFailures ?? spare;
  const check = (option: string, value: number, [min, max]: readonly [number, number]): void => {
    if (value === Number.POSITIVE_INFINITY && option === 'concurrency') return;
    if (Number.isSafeInteger(value) && value >= min && value <= max) return;
    throw new HoldfastError('HF_CONFIG_INVALID', {
      why: `${option} is ${value}; it must be an integer from ${min} to ${max}`,
    });
  };
  check('concurrency', concurrency, [1, Number.MAX_SAFE_INTEGER]);
  check('minSuccessful', minSuccessful, [0, length]);
  check('toleratedFailures', tolerated, [0, Number.MAX_SAFE_INTEGER]);
  return { concurrency, minSuccessful, tolerated };
}

function mapFailed(results: readonly MapResult<unknown>[]): HoldfastError {
  const reasons = results.flatMap((result, index) =>
    result.status === 'rejected' ? [{ index, reason: result.reason }] : [],
  );
  const first = reasons[0];
  return new HoldfastError('HF_MAP_FAILED', {
    why: `${reasons.length} failed, item ${first?.index ?? 0} first: ${messageOf(first?.reason)}`,
    details: { failed: reasons.map((each) => each.index) },
    cause: new AggregateError(reasons.map((each) => each.reason)),
  });
}
