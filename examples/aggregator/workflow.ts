import { TerminalError, entity } from '@holdfast/agent';

/** What is kept of one sensor. */
export interface Totals {
  readonly count: number;
  readonly sum: number;
  readonly min: number;
  readonly max: number;
}

export interface Reading {
  readonly value: number;
}

/**
 * The totals of each sensor: keyed state with one writer.
 *
 * However many programs add readings at once, the readings of one sensor are taken one after
 * another, each once, and the state is as durable as a step. Sensors do not wait for each other.
 */
export const sensorTotals = entity('sensor-totals', {
  initial: (): Totals => ({ count: 0, sum: 0, min: Infinity, max: -Infinity }),
  commands: {
    add: (totals: Totals, { value }: Reading) => {
      if (!Number.isFinite(value)) throw new TerminalError('a reading is a finite number');
      const state: Totals = {
        count: totals.count + 1,
        sum: totals.sum + value,
        min: Math.min(totals.min, value),
        max: Math.max(totals.max, value),
      };
      return { state, result: state };
    },
    /** Begins anew and tells what there was: at the end of a shift, say. */
    close: (totals: Totals) => ({
      state: { count: 0, sum: 0, min: Infinity, max: -Infinity },
      result: totals,
    }),
  },
});
