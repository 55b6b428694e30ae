import { HoldfastError, codeOf, messageOf, type EntryBody, type StoreOp } from '@holdfast/protocol';
import { Coverage } from './coverage.ts';
import { dueSlots, nextUntaken, type MissedPolicy, type SkippedSlots } from './due-slots.ts';
import { newId } from './engine.ts';
import type { Journal } from './journal.ts';
import type { RuntimePorts } from './ports.ts';
import type { Runtime } from './runtime.ts';
import { ScheduleStore, type ScheduleRecord } from './schedule-record.ts';
import type { Calendar, SlotWaiter } from './slots.ts';

/** What becomes of a slot that comes while the run of an earlier one has not ended. */
export const overlapPolicies = [
  'allow',
  'skip',
  'buffer-one',
  'buffer-all',
  'cancel',
  'terminate',
] as const;
export type OverlapPolicy = (typeof overlapPolicies)[number];

/** A schedule as the code defines it, checked. */
export interface ScheduleDefinition {
  readonly id: string;
  readonly workflow: string;
  /** Encoded value. */
  readonly input: Uint8Array;
  readonly cron: string;
  readonly timezone: string;
  readonly missed: MissedPolicy;
  /** Infinity: no slot is too old. */
  readonly maxAgeMs: number;
  readonly overlap: OverlapPolicy;
  /** How much later than its slots this device begins; the same at each slot. */
  readonly delayMs: number;
}

export interface ScheduleParts {
  readonly ports: RuntimePorts;
  readonly journal: Journal;
  readonly runtime: Runtime;
  readonly calendarOf: (cron: string, timezone: string) => Calendar;
  /** Whether the wall clock can be believed. */
  readonly isTimeTrusted: () => boolean;
  /** `nextAtMs` has changed. */
  readonly onMoved: () => void;
}

/** With `buffer-all`: slots beyond are passed over. */
const BUFFER_MAX = 1_000;
/** When a slot could not be journaled, it is tried again after that. */
const RETRY_MS = 10_000;

/**
 * One schedule: decides what each slot leads to, and journals it with what the schedule must
 * remember, in one commit. A slot is named by its time, and so is its run: however often the
 * process dies, a slot has one run.
 *
 * All its times are those of its slots; `delayMs` later is when it acts.
 */
export class Schedule implements SlotWaiter {
  /** Wall time of the next thing to do. */
  nextAtMs = 0;
  readonly definition: ScheduleDefinition;
  readonly #parts: ScheduleParts;
  #record: ScheduleRecord;
  #coverage: Coverage;
  /** Of the expression that counts up to the next look: after a change, still the former one. */
  #calendar: Calendar;
  readonly #calendarNext: Calendar;
  #queue: Promise<unknown> = Promise.resolve();
  #waiting = 0;
  readonly #clockSets: (readonly [fromMs: number, toMs: number])[] = [];
  #stopWaiting: (() => void) | undefined;
  /** Whether it has looked, which it does only when the time can be believed. */
  #hasLooked = false;
  #isClosed = false;

  constructor(parts: ScheduleParts, definition: ScheduleDefinition, known?: ScheduleRecord) {
    this.#parts = parts;
    this.definition = definition;
    this.#record = known ?? freshRecord(definition);
    this.#coverage = Coverage.restore(this.#record.coverage);
    this.#calendarNext = parts.calendarOf(definition.cron, definition.timezone);
    this.#calendar = this.#formerCalendar() ?? this.#calendarNext;
  }

  get record(): ScheduleRecord {
    return this.#record;
  }

  /** When the next slot begins, wall time; `undefined`: none does. */
  get nextSlotAtMs(): number | undefined {
    return this.#hasLooked && Number.isFinite(this.nextAtMs) ? this.nextAtMs : undefined;
  }

  /** Notes it in the store. */
  begin(): Promise<void> {
    return this.#commit({});
  }

  fire(nowMs: number): void {
    const throughMs = nowMs - this.definition.delayMs;
    this.nextAtMs = Number.POSITIVE_INFINITY;
    void this.#enqueue(() => this.#look(throughMs)).catch((error: unknown) => this.#fault(error));
  }

  clockSet(fromMs: number, toMs: number): void {
    this.#clockSets.push([fromMs, toMs]);
    // What is being journaled now counts in the time before.
    if (this.#waiting === 0) this.#settle();
  }

  /** No slot starts a run until it is resumed. Durable once it resolves. */
  pause(): Promise<void> {
    return this.#enqueue(() => this.#commit({ isPaused: true }));
  }

  /** Goes on with the next slot; those that came meanwhile are passed over. */
  resume(): Promise<void> {
    return this.#enqueue(async () => {
      if (!this.#record.isPaused) return;
      if (!this.#parts.isTimeTrusted()) return this.#commit({ isPaused: false });
      const nowMs = this.#parts.ports.clock.nowMs() - this.definition.delayMs;
      await this.#lookFirst(nowMs);
      const { skipped } = this.#due(nowMs, 'skip', -1);
      await this.#pass(skipped, { isPaused: false, cursorMs: nowMs });
    });
  }

  /**
   * Starts a run now, whatever the time is. Durable once it resolves.
   *
   * @returns The id of the run. @throws HF_SCHEDULE_OVERLAP by its policy.
   */
  trigger(): Promise<string> {
    return this.#enqueue(async () => {
      const { id, overlap } = this.definition;
      const { lastRun } = this.#record;
      if (overlap !== 'allow' && (await this.#isOpen(lastRun))) {
        if (overlap !== 'terminate') {
          throw new HoldfastError('HF_SCHEDULE_OVERLAP', { why: `${lastRun} has not ended` });
        }
        await this.#end(lastRun, true);
      }
      const run = `${id}@now-${newId(this.#parts.ports)}`;
      await this.#startRun(run, { lastRun: run });
      return run;
    });
  }

  close(): void {
    this.#isClosed = true;
    this.nextAtMs = Number.POSITIVE_INFINITY;
    this.#stopWaiting?.();
  }

  /** The calendar that was in force until now, if it was another and is still readable. */
  #formerCalendar(): Calendar | undefined {
    const { cron, timezone } = this.#record;
    const { definition } = this;
    if (cron === definition.cron && timezone === definition.timezone) return undefined;
    try {
      return this.#parts.calendarOf(cron, timezone);
    } catch (error) {
      this.#parts.ports.log.info('the former slots of a schedule are unknown', {
        schedule: definition.id,
        why: messageOf(error),
      });
      return undefined;
    }
  }

  /** Does one thing at a time, and finds out afterwards what is next. */
  async #enqueue<T>(work: () => Promise<T>): Promise<T> {
    this.#waiting += 1;
    const result = this.#queue.then(work);
    this.#queue = result.catch(() => undefined);
    try {
      return await result;
    } finally {
      this.#waiting -= 1;
      if (this.#waiting === 0) this.#settle();
    }
  }

  #settle(): void {
    const { delayMs } = this.definition;
    for (const [fromMs, toMs] of this.#clockSets.splice(0)) {
      if (this.#hasLooked) this.#jump(fromMs - delayMs, toMs - delayMs);
    }
    const { isPaused, cursorMs } = this.#record;
    if (this.#isClosed || isPaused) this.nextAtMs = Number.POSITIVE_INFINITY;
    else if (!this.#hasLooked) this.nextAtMs = 0;
    else {
      const { calendar, coverage } = { calendar: this.#calendar, coverage: this.#coverage };
      this.nextAtMs = delayMs + nextUntaken({ calendar, coverage }, cursorMs);
    }
    this.#parts.onMoved();
  }

  /** Time goes on from another moment. Slots in between were missed, if it went forward. */
  #jump(fromMs: number, toMs: number): void {
    this.#coverage = this.#coverage.jump(fromMs, toMs);
    if (toMs < fromMs) this.#record = { ...this.#record, cursorMs: toMs };
  }

  #due(throughMs: number, missed: MissedPolicy, maxAgeMs: number) {
    return dueSlots({
      ...{ calendar: this.#calendar, coverage: this.#coverage },
      ...{ afterMs: this.#record.cursorMs, throughMs, missed, maxAgeMs },
    });
  }

  /** Gives every slot through that time its turn. */
  async #look(throughMs: number): Promise<void> {
    if (this.#record.isPaused || this.#isClosed) return;
    await this.#lookFirst(throughMs);
    if (this.#record.cursorMs < throughMs) {
      const { missed, maxAgeMs } = this.definition;
      const { fire, skipped } = this.#due(throughMs, missed, maxAgeMs);
      if (skipped !== undefined) await this.#pass(skipped, { cursorMs: skipped.lastAtMs });
      await this.#drain();
      for (const slotAtMs of fire) await this.#take(slotAtMs);
      this.#record = { ...this.#record, cursorMs: Math.max(this.#record.cursorMs, throughMs) };
    }
    await this.#adopt();
  }

  /** Begins to count: from now on, or, if the store knows it, from where it was left. */
  async #lookFirst(nowMs: number): Promise<void> {
    if (this.#hasLooked) return;
    const { cursorMs } = this.#record;
    if (cursorMs === 0) {
      this.#coverage = Coverage.from(nowMs);
      await this.#commit({ cursorMs: nowMs });
    } else this.#jump(cursorMs, nowMs);
    this.#hasLooked = true;
  }

  /** From now on the expression counts that the code has now. */
  async #adopt(): Promise<void> {
    if (this.#calendar === this.#calendarNext) return;
    const { cron, timezone } = this.definition;
    await this.#commit({ cron, timezone });
    this.#calendar = this.#calendarNext;
  }

  async #take(slotAtMs: number): Promise<void> {
    const { overlap } = this.definition;
    const { buffer, lastRun } = this.#record;
    const isFree = overlap === 'allow' || (buffer.length === 0 && !(await this.#isOpen(lastRun)));
    if (isFree) return this.#start(slotAtMs, buffer);
    const taken = { cursorMs: slotAtMs };
    switch (overlap) {
      case 'skip':
        await this.#pass(oneSlot(slotAtMs), taken);
        break;
      case 'terminate':
        if (buffer.length > 0) await this.#pass(slotsOf(buffer), { buffer: [] });
        await this.#end(lastRun, true);
        return this.#start(slotAtMs, []);
      case 'cancel':
        // Noted first: a process that dies in between goes on with the cancelling.
        await this.#pass(slotsOf(buffer), { ...taken, buffer: [slotAtMs] });
        break;
      default: {
        const max = overlap === 'buffer-one' ? 1 : BUFFER_MAX;
        if (buffer.length >= max) await this.#pass(oneSlot(slotAtMs), taken);
        else await this.#pass(undefined, { ...taken, buffer: [...buffer, slotAtMs] });
      }
    }
    this.#coverage = this.#coverage.take(slotAtMs);
    await this.#drain();
  }

  /** Starts the runs that wait for an earlier one, or waits for the end of that. */
  async #drain(): Promise<void> {
    this.#stopWaiting?.();
    this.#stopWaiting = undefined;
    const { overlap } = this.definition;
    while (this.#record.buffer.length > 0 && !this.#isClosed) {
      const { lastRun, buffer } = this.#record;
      const [slotAtMs, ...rest] = buffer;
      if (slotAtMs === undefined) return;
      if (overlap !== 'allow' && (await this.#isOpen(lastRun))) {
        if (overlap === 'cancel') await this.#end(lastRun, false);
        return this.#drainOnceEnded(lastRun);
      }
      await this.#start(slotAtMs, rest);
    }
  }

  async #drainOnceEnded(run: string): Promise<void> {
    const { runtime } = this.#parts;
    const number = await runtime.numberOf(run);
    const again = (): void => {
      void this.#enqueue(() => this.#drain()).catch((error: unknown) => this.#fault(error));
    };
    if (runtime.isOpen(number)) this.#stopWaiting = runtime.onceEnded(number, again);
    else again();
  }

  /** @param buffer What waits once this run has begun. */
  async #start(slotAtMs: number, buffer: readonly number[]): Promise<void> {
    const run = `${this.definition.id}@${new Date(slotAtMs).toISOString()}`;
    const cursorMs = Math.max(this.#record.cursorMs, slotAtMs);
    const change = { cursorMs, buffer, lastSlotAtMs: slotAtMs, lastRun: run };
    try {
      await this.#startRun(run, change, slotAtMs);
    } catch (error) {
      if (!(error instanceof HoldfastError) || error.retry !== 'never') throw error;
      // The next slot would fail in the same way, but it must have its turn.
      const { log } = this.#parts.ports;
      log.error('a scheduled run cannot start', { run, why: error.message });
      await this.#pass(oneSlot(slotAtMs), { cursorMs, buffer });
    }
    this.#coverage = this.#coverage.take(slotAtMs);
  }

  async #startRun(id: string, change: Partial<ScheduleRecord>, slotAtMs?: number): Promise<void> {
    const { workflow, input } = this.definition;
    const record = this.#changed(change, slotAtMs);
    const ops = [ScheduleStore.put(record)];
    try {
      await this.#parts.runtime.start({ workflow, input, id, ops });
    } catch (error) {
      if (codeOf(error) !== 'HF_RUN_CONFLICT') throw error;
      // The slot had its run before the input was another.
      await this.#append([], ops);
    }
    this.#record = record;
  }

  /** Notes slots that are passed over, with a change, in one commit. */
  async #pass(skipped: SkippedSlots | undefined, change: Partial<ScheduleRecord>): Promise<void> {
    const record = this.#changed(change);
    const { id } = this.definition;
    const bodies: EntryBody[] =
      skipped === undefined ? [] : [{ kind: 'schedule.skipped', schedule: id, ...skipped }];
    await this.#append(bodies, [ScheduleStore.put(record)]);
    this.#record = record;
  }

  #commit(change: Partial<ScheduleRecord>): Promise<void> {
    return this.#pass(undefined, change);
  }

  #changed(change: Partial<ScheduleRecord>, slotAtMs?: number): ScheduleRecord {
    const { workflow, missed, overlap } = this.definition;
    const coverage = slotAtMs === undefined ? this.#coverage : this.#coverage.take(slotAtMs);
    const now = { workflow, missed, overlap, coverage: coverage.stored };
    return { ...this.#record, ...now, ...change };
  }

  async #append(bodies: readonly EntryBody[], ops: readonly StoreOp[]): Promise<void> {
    const drafts = bodies.map((body) => ({ lane: 'normal' as const, body }));
    await this.#parts.journal.append(drafts, () => ops);
  }

  async #isOpen(run: string): Promise<boolean> {
    if (run === '') return false;
    const { runtime } = this.#parts;
    const number = await runtime.numberOf(run).catch(() => undefined);
    return number !== undefined && runtime.isOpen(number);
  }

  async #end(run: string, force: boolean): Promise<void> {
    const reason = `schedule ${this.definition.id} has its next slot`;
    await this.#parts.runtime.cancel({ run, reason, force }).catch((error: unknown) => {
      // It ended meanwhile.
      if (codeOf(error) !== 'HF_RUN_FINISHED') throw error;
    });
  }

  #fault(error: unknown): void {
    if (this.#isClosed || codeOf(error) === 'HF_AGENT_CLOSED') return this.close();
    const { log, clock } = this.#parts.ports;
    log.error('a slot could not be journaled; it is tried again', {
      schedule: this.definition.id,
      why: messageOf(error),
    });
    this.nextAtMs = clock.nowMs() + RETRY_MS;
    this.#parts.onMoved();
  }
}

function freshRecord(definition: ScheduleDefinition): ScheduleRecord {
  const { id, workflow, cron, timezone, missed, overlap } = definition;
  return {
    ...{ id, workflow, cron, timezone, missed, overlap },
    ...{ isPaused: false, cursorMs: 0, coverage: [], buffer: [] },
    ...{ lastSlotAtMs: 0, lastRun: '' },
  };
}

const oneSlot = (atMs: number): SkippedSlots => ({ count: 1, firstAtMs: atMs, lastAtMs: atMs });

function slotsOf(slots: readonly number[]): SkippedSlots | undefined {
  const [first, last] = [slots[0], slots.at(-1)];
  if (first === undefined || last === undefined) return undefined;
  return { count: slots.length, firstAtMs: first, lastAtMs: last };
}
