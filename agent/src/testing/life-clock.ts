import type { Clock } from '@holdfast/protocol';

/** The world's clock as one process sees it; what a dead one asked for never comes. */
export class LifeClock implements Clock {
  readonly #world: Clock;
  #isDead = false;

  constructor(world: Clock) {
    this.#world = world;
  }

  die(): void {
    this.#isDead = true;
  }
  nowMs(): number {
    return this.#world.nowMs();
  }
  monoMs(): number {
    return this.#world.monoMs();
  }
  wakeIn(delayMs: number, wake: () => void): () => void {
    return this.#world.wakeIn(delayMs, () => {
      if (!this.#isDead) wake();
    });
  }
}
