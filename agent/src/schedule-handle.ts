import type { AgentParts } from './agent-parts.ts';
import type { ScheduleView } from './core/schedule-views.ts';
import { RunHandle } from './run-handle.ts';

/** A schedule, as the program that made it holds it. */
export class ScheduleHandle<O = unknown> {
  readonly id: string;
  readonly #parts: AgentParts;

  constructor(parts: AgentParts, id: string) {
    this.#parts = parts;
    this.id = id;
  }

  /** Where it stands, as in `holdfast schedule ls`. */
  async status(): Promise<ScheduleView | undefined> {
    const { schedules } = await this.#parts.schedules.list();
    return schedules.find(({ id }) => id === this.id);
  }

  /** No slot starts a run until it is resumed, also after a restart. Durable once it resolves. */
  pause(): Promise<void> {
    return this.#parts.schedules.pause(this.id);
  }

  /** Goes on with the next slot; those that came meanwhile are passed over. */
  resume(): Promise<void> {
    return this.#parts.schedules.resume(this.id);
  }

  /** Starts a run now. Durable once it resolves. @throws HF_SCHEDULE_OVERLAP by its policy. */
  async trigger(): Promise<RunHandle<O>> {
    return new RunHandle<O>(this.#parts, await this.#parts.schedules.trigger(this.id));
  }

  /**
   * Ends it in this process. Its place is kept: when the code has it again, what was missed since
   * is dealt with by its policy.
   */
  stop(): void {
    this.#parts.schedules.stop(this.id);
  }
}
