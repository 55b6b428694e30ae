import { HoldfastError, workflow, type StepOptions } from '@holdfast/agent';
import { readMeter } from './meter.ts';

/** What is to be read. */
export interface Round {
  readonly meters: readonly string[];
  /** Meters that may be missing from the bill. One more fails the round. Default 0. */
  readonly missingMax?: number;
}

/** What a round found, in the order in which the meters were named. */
export interface Bill {
  readonly totalKWh: number;
  readonly rows: readonly Row[];
}

export type Row =
  | { readonly meter: string; readonly kWh: number }
  | { readonly meter: string; readonly missing: string };

/** The meters hang on a slow bus: more than this at once only makes all of them late. */
const METERS_AT_ONCE = 4;

/** About a minute and a half: a meter that says nothing for so long is one for the technician. */
const patient: StepOptions = {
  retry: { attempts: 30, minDelay: '200ms', maxDelay: '4s' },
  timeout: '3s',
};

/**
 * Reads the meters of a building, a few at a time.
 *
 * Each reading is a step of its own: a power cut in the middle of the round loses at most the four
 * that were at work, and no meter that has answered is asked again.
 */
export const readMeters = workflow('read-meters', async (ctx, round: Round): Promise<Bill> => {
  const { meters, missingMax = 0 } = round;
  await ctx.setStatus(`reading ${meters.length} meters`);

  const results = await ctx.map(
    meters,
    (meter, each) => each.step(`read ${meter}`, (info) => readMeter(meter, info), patient),
    { concurrency: METERS_AT_ONCE, toleratedFailures: missingMax },
  );

  const rows = results.map((result, index): Row => {
    const meter = meters[index] ?? '';
    if (result.status === 'fulfilled') return { meter, kWh: result.value.kWh };
    return { meter, missing: result.status === 'rejected' ? reasonOf(result.reason) : 'not read' };
  });
  const totalKWh = rows.reduce((sum, row) => sum + ('kWh' in row ? row.kWh : 0), 0);
  await ctx.emit('meters.read', { totalKWh, rows }, { lane: 'bulk' });
  await ctx.setStatus(`${totalKWh} kWh`);
  return { totalKWh, rows };
});

/** A failed step carries the last error of its body as the cause. */
function reasonOf(error: unknown): string {
  const cause = error instanceof HoldfastError ? (error.cause ?? error) : error;
  return cause instanceof Error ? cause.message : String(cause);
}
