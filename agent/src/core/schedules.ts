import {
  HoldfastError,
  checkName,
  durationMs,
  encodeValue,
  type Duration,
  type Store,
} from '@holdfast/protocol';
import { missedPolicies, type MissedPolicy } from './due-slots.ts';
import { time } from './rfc3339.ts';
import type { Journal } from './journal.ts';
import { getNumber } from './keys.ts';
import type { RuntimePorts } from './ports.ts';
import type { Runtime } from './runtime.ts';
import {
  Schedule,
  overlapPolicies,
  type OverlapPolicy,
  type ScheduleDefinition,
} from './schedule.ts';
import { ScheduleStore, type ScheduleRecord } from './schedule-record.ts';
import { Slots, type Calendar } from './slots.ts';
import type { ScheduleView, SchedulesView } from './schedule-views.ts';

/** A schedule as a program asks for it. */
export interface ScheduleRequest {
  /** Begins the ids of its runs. Default: the name of the workflow. At most 90 characters. */
  readonly id?: string | undefined;
  readonly workflow: string;
  readonly input?: unknown;
  readonly cron: string;
  readonly timezone?: string | undefined;
  readonly missed?: MissedPolicy | undefined;
  readonly maxAge?: Duration | undefined;
  readonly overlap?: OverlapPolicy | undefined;
  readonly jitter?: Duration | undefined;
}

export interface SchedulesParts {
  readonly device: string;
  readonly ports: RuntimePorts;
  readonly journal: Journal;
  readonly store: Store;
  readonly runtime: Runtime;
  /** @throws HF_CRON_INVALID */
  readonly calendarOf: (cron: string, timezone: string) => Calendar;
}

/** Room for the slot's time, and for what a triggered run has instead. */
const ID_LENGTH_MAX = 90;

/** The schedules of this process, by their ids. */
export class Schedules {
  readonly #parts: SchedulesParts;
  readonly #store: ScheduleStore;
  readonly #slots: Slots;
  readonly #schedules = new Map<string, { readonly schedule: Schedule; stop: () => void }>();
  /** Also those that are just being read. */
  readonly #ids = new Set<string>();

  /** Without any schedule yet. */
  constructor(parts: SchedulesParts) {
    this.#parts = parts;
    this.#store = new ScheduleStore(parts.store);
    this.#slots = new Slots(parts.ports.clock);
  }

  /**
   * Starts a run at each slot from now on, and deals with those that were missed since it was here
   * last. That there is this schedule is durable once it resolves.
   *
   * @returns Its id.
   * @throws HF_CRON_INVALID, HF_NAME_INVALID, HF_CONFIG_INVALID, HF_DURATION_INVALID,
   *   HF_WORKFLOW_UNKNOWN, HF_VALUE_*, HF_SCHEDULE_DUPLICATE before anything is changed.
   */
  async add(request: ScheduleRequest): Promise<string> {
    const { ports, journal, runtime, calendarOf } = this.#parts;
    const definition = this.#define(request);
    const { id } = definition;
    if (this.#ids.has(id)) throw new HoldfastError('HF_SCHEDULE_DUPLICATE', { why: id });
    this.#ids.add(id);
    try {
      const parts = {
        ...{ ports, journal, runtime, calendarOf },
        isTimeTrusted: () => ports.clock.isTrusted,
        onMoved: () => this.#slots.wake(),
      };
      const schedule = new Schedule(parts, definition, await this.#store.record(id));
      await schedule.begin();
      this.#schedules.set(id, { schedule, stop: this.#slots.add(schedule) });
      return id;
    } catch (error) {
      this.#ids.delete(id);
      throw error;
    }
  }

  /** Ends a schedule in this process. Its place is kept for when it is added again. */
  stop(id: string): void {
    const held = this.#schedules.get(id);
    held?.schedule.close();
    held?.stop();
    this.#schedules.delete(id);
    this.#ids.delete(id);
  }

  /**
   * No slot starts a run until it is resumed. Durable once it resolves.
   *
   * @throws HF_SCHEDULE_UNKNOWN
   */
  async pause(id: string): Promise<void> {
    return this.#named(id).pause();
  }

  /** Slots that came while it was paused are passed over. Durable once it resolves. */
  async resume(id: string): Promise<void> {
    return this.#named(id).resume();
  }

  /**
   * Starts a run now. Durable once it resolves.
   *
   * @returns The id of the run. @throws HF_SCHEDULE_UNKNOWN, HF_SCHEDULE_OVERLAP.
   */
  async trigger(id: string): Promise<string> {
    return this.#named(id).trigger();
  }

  /** Those of this process, and those that the store knows from earlier. */
  async list(): Promise<SchedulesView> {
    const { device, store } = this.#parts;
    const { schedules, ...view } = await storedSchedules(device, store);
    return {
      ...view,
      schedules: schedules.map((stored) => {
        const live = this.#schedules.get(stored.id)?.schedule;
        return live === undefined ? stored : this.#liveView(live);
      }),
    };
  }

  close(): void {
    for (const id of [...this.#schedules.keys()]) this.stop(id);
    this.#slots.close();
  }

  #liveView({ record, nextSlotAtMs }: Schedule): ScheduleView {
    const running = this.#parts.ports.clock.isTrusted ? 'active' : 'waiting-for-time';
    return {
      ...scheduleView(record),
      state: record.isPaused ? 'paused' : running,
      nextAt: nextSlotAtMs === undefined ? null : time(nextSlotAtMs),
    };
  }

  #named(id: string): Schedule {
    const held = this.#schedules.get(id);
    if (held !== undefined) return held.schedule;
    const known = [...this.#schedules.keys()].join(', ') || 'none';
    throw new HoldfastError('HF_SCHEDULE_UNKNOWN', { why: `${id}; there are: ${known}` });
  }

  #define(request: ScheduleRequest): ScheduleDefinition {
    const { workflow, cron, timezone = 'UTC', maxAge, jitter = 0 } = request;
    if (!this.#parts.runtime.workflowNames.includes(workflow)) {
      throw new HoldfastError('HF_WORKFLOW_UNKNOWN', { why: `${workflow}, of a schedule` });
    }
    this.#parts.calendarOf(cron, timezone);
    const id = checkName('schedule', request.id ?? workflow);
    if (id.length > ID_LENGTH_MAX) {
      const why = `the name of the schedule is longer than ${ID_LENGTH_MAX} characters`;
      throw new HoldfastError('HF_NAME_INVALID', { why });
    }
    return {
      ...{ id, workflow, cron, timezone },
      input: encodeValue(request.input, 'input'),
      missed: oneOf('missed', missedPolicies, request.missed ?? 'latest'),
      maxAgeMs: maxAge === undefined ? Number.POSITIVE_INFINITY : durationMs(maxAge),
      overlap: oneOf('overlap', overlapPolicies, request.overlap ?? 'allow'),
      delayMs: this.#delay(id, durationMs(jitter)),
    };
  }

  /** A part of the jitter that is this device's own: a fleet spreads, a device keeps its pace. */
  #delay(id: string, jitterMs: number): number {
    if (jitterMs === 0) return 0;
    const drawn = this.#parts.ports.sha256(encodeValue([this.#parts.device, id]));
    return getNumber(drawn, 0) % jitterMs;
  }
}

function oneOf<T extends string>(option: string, allowed: readonly T[], given: T): T {
  if (allowed.includes(given)) return given;
  const why = `${option} is ${given}; it must be ${allowed.join(', ')}`;
  throw new HoldfastError('HF_CONFIG_INVALID', { why });
}

/** What the store alone tells of schedules: no agent runs, or its code has them no more. */
export async function storedSchedules(device: string, store: Store): Promise<SchedulesView> {
  const records = await new ScheduleStore(store).records();
  return { schema: 'holdfast.schedules/1', device, schedules: records.map(scheduleView) };
}

function scheduleView(record: ScheduleRecord): ScheduleView {
  const { id, workflow, cron, timezone, missed, overlap, lastSlotAtMs, lastRun } = record;
  return {
    ...{ id, workflow, cron, timezone, missed, overlap },
    state: record.isPaused ? 'paused' : 'inactive',
    nextAt: null,
    lastSlotAt: lastSlotAtMs === 0 ? null : time(lastSlotAtMs),
    lastRun: lastRun === '' ? null : lastRun,
    buffered: record.buffer.length,
  };
}
