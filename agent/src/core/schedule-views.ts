/**
 * `waiting-for-time`: the clock cannot be believed yet. `inactive`: the store knows it, but no
 * running code has it.
 */
export const scheduleStates = ['active', 'waiting-for-time', 'paused', 'inactive'] as const;
export type ScheduleState = (typeof scheduleStates)[number];

export interface ScheduleView {
  readonly id: string;
  readonly workflow: string;
  readonly cron: string;
  readonly timezone: string;
  readonly missed: string;
  readonly overlap: string;
  readonly state: ScheduleState;
  /** When the next run begins, RFC 3339; `null`: unknown, or none does. */
  readonly nextAt: string | null;
  /** Slot of the run that was started last, RFC 3339. */
  readonly lastSlotAt: string | null;
  readonly lastRun: string | null;
  /** Slots whose runs wait for an earlier run to end. */
  readonly buffered: number;
}

export interface SchedulesView {
  readonly schema: 'holdfast.schedules/1';
  readonly device: string;
  readonly schedules: readonly ScheduleView[];
}
