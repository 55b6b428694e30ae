import type { Chance } from '@holdfast/protocol';
import type { Scenario } from '../scenario/scenario.ts';
import type { Order } from '../virtual/workload.ts';
import type { Fleet, FleetDevice } from './fleet.ts';

/** Workflows of the devices of a fleet. */
export type FleetFlow = 'checkout' | 'nap' | 'secret';

/** A run or an event that somebody asked a real agent for. */
export interface FleetRequest {
  readonly device: string;
  readonly workflow: FleetFlow | undefined;
  readonly order: Order;
  /** The caller was told that it is durable. */
  isAcknowledged: boolean;
}

const NAP_MS_MAX = 5_000;
/** One of them, each as likely. */
const flows: readonly FleetFlow[] = ['checkout', 'checkout', 'nap', 'secret'];
/** A process that is asked more often than this has no time for anything else. */
const EVERY_MS_MIN = 250;

/** What people and programs around the devices ask for, until it is stopped. */
export class FleetWork {
  /** By the id of the run, or the name of the event. */
  readonly requests = new Map<string, FleetRequest>();
  readonly #timers = new Set<NodeJS.Timeout>();
  readonly #underWay = new Set<Promise<unknown>>();
  #isOver = false;

  constructor(
    fleet: Fleet,
    scenario: Scenario,
    of: { readonly scale: number; readonly chanceOf: (purpose: string) => Chance },
  ) {
    for (const device of fleet.devices) {
      const chance = of.chanceOf(`user of ${device.name}`);
      let count = 0;
      const every = (averageMs: number, act: (number: number) => void): void => {
        if (averageMs === 0) return;
        const soMs = Math.max(EVERY_MS_MIN, averageMs * of.scale) * (0.5 + chance.next());
        this.#after(soMs, () => {
          act((count += 1));
          every(averageMs, act);
        });
      };
      every(scenario.runEveryMs, (number) => this.#start(device, number, chance));
      every(scenario.emitEveryMs, (number) => this.#emit(device, number));
    }
  }

  /** Resolves once nobody waits for an answer any more. */
  async stop(): Promise<void> {
    this.#isOver = true;
    for (const timer of this.#timers) clearTimeout(timer);
    await Promise.all(this.#underWay);
  }

  #after(ms: number, act: () => void): void {
    const timer = setTimeout(() => {
      this.#timers.delete(timer);
      if (!this.#isOver) act();
    }, ms);
    this.#timers.add(timer);
  }

  #start({ name, socket }: FleetDevice, number: number, chance: Chance): void {
    const id = `${name}-run-${number}`;
    const workflow = flows[Math.floor(chance.next() * flows.length)] ?? 'checkout';
    const napMs = Math.floor(chance.next() * NAP_MS_MAX);
    const order = { id, quantity: 1 + Math.floor(chance.next() * 5), napMs };
    this.#ask({ device: name, workflow, order, isAcknowledged: false }, () =>
      socket.start({ workflow, input: order, id }),
    );
  }

  #emit({ name, socket }: FleetDevice, number: number): void {
    const id = `${name}-event-${number}`;
    const lane = (['urgent', 'normal', 'bulk'] as const)[number % 3];
    const order = { id, quantity: 0, napMs: 0 };
    this.#ask({ device: name, workflow: undefined, order, isAcknowledged: false }, () =>
      socket.emit({ name: id, lane }),
    );
  }

  #ask(request: FleetRequest, ask: () => Promise<unknown>): void {
    this.requests.set(request.order.id, request);
    const asked = ask().then(
      () => (request.isAcknowledged = true),
      // A dead agent answers nobody: whether it is there is seen at the end.
      () => undefined,
    );
    this.#underWay.add(asked);
    void asked.finally(() => this.#underWay.delete(asked));
  }
}
