import { codeOf, encodeValue, lanes, messageOf, type Chance } from '@holdfast/protocol';
import type { Scenario, StartRule } from '../scenario/scenario.ts';
import { eventId, eventPayload } from './event-ids.ts';
import type { Machine, World } from './world.ts';
import { workflowNames, type Order } from './workload.ts';

/** A run or an event that somebody asked for. */
export interface Asked<T> {
  readonly device: string;
  readonly what: T;
  /** The caller was told that it is durable. */
  isAcknowledged: boolean;
  /** …at this moment. */
  atMs: number;
}

/** What the people and programs around the devices have asked for, and what they were told. */
export interface Requests {
  /** By id of the run. */
  readonly runs: Map<string, Asked<{ readonly workflow: string; readonly order?: Order }>>;
  /** By device, in the order of the numbers in their ids, from 1. */
  readonly events: Map<string, Asked<undefined>[]>;
  /** How many were told that it cannot be done, and why. */
  refused: number;
}

const NAP_MS_MAX = 120_000;
const PATIENCE_MS = 7_000;

/** Has every device used for as long as the scenario says. */
export function drive(world: World, scenario: Scenario): Requests {
  const requests: Requests = { runs: new Map(), events: new Map(), refused: 0 };
  for (const machine of world.machines) {
    const user = new User(world, machine, requests);
    const { starts, runEveryMs, emitEveryMs, emitAtOnce } = scenario;
    if (starts.length === 0) user.every(runEveryMs, () => user.startRun());
    for (const rule of starts) user.every(rule.everyMs, () => user.startOf(rule));
    user.every(emitEveryMs, () => {
      for (let each = 0; each < emitAtOnce; each += 1) user.emit();
    });
  }
  return requests;
}

/** Who uses one device. */
class User {
  readonly #world: World;
  readonly #machine: Machine;
  readonly #requests: Requests;
  readonly #chance: Chance;
  /** When each run's decision was acknowledged, by run. */
  readonly #decided = new Map<string, number>();
  readonly #events: Asked<undefined>[] = [];
  #count = 0;

  constructor(world: World, machine: Machine, requests: Requests) {
    this.#world = world;
    this.#machine = machine;
    this.#requests = requests;
    this.#chance = world.chanceOf(`user of ${machine.name}`);
    requests.events.set(machine.name, this.#events);
    world.onSetBack(machine.name, (sinceMs) => this.#decideAgain(sinceMs));
  }

  every(averageMs: number, act: () => void): void {
    if (averageMs === 0) return;
    this.#world.time.wakeIn(averageMs * (0.5 + this.#chance.next()), () => {
      if (this.#world.isHealing) return;
      act();
      this.every(averageMs, act);
    });
  }

  startRun(): void {
    const { name } = this.#machine;
    this.#count += 1;
    const id = `${name}-run-${this.#count}`;
    const workflow = workflowNames[Math.floor(this.#chance.next() * workflowNames.length)] ?? 'nap';
    const quantity = 1 + Math.floor(this.#chance.next() * 5);
    const order = { id, quantity, napMs: Math.floor(this.#chance.next() * NAP_MS_MAX) };
    const life = this.#machine.agent.life;
    if (life?.isReady !== true) return;
    this.#start(id, { workflow, order }, order);
    if (workflow === 'approval') this.#decideLater(id);
  }

  /** Starts a run of a workflow of the user's. */
  startOf({ workflow, input }: StartRule): void {
    this.#count += 1;
    const id = `${this.#machine.name}-${workflow}-${this.#count}`;
    if (this.#machine.agent.life?.isReady !== true) return;
    this.#start(id, { workflow }, withId(input, id));
  }

  #start(id: string, what: { workflow: string; order?: Order }, input: unknown): void {
    const life = this.#machine.agent.life;
    const asked = { device: this.#machine.name, what, isAcknowledged: false, atMs: 0 };
    this.#requests.runs.set(id, asked);
    const { workflow } = what;
    life?.parts.runtime.start({ workflow, input: encodeValue(input, 'input'), id }).then(() => {
      this.#told(asked);
      // P1: it is durable in the moment in which somebody is told so.
      const { witness } = this.#world;
      if (!witness.started.has(id)) witness.blame('P1', asked.device, `${id} is not durable`);
    }, this.#refused);
  }

  emit(): void {
    const { name: device, agent } = this.#machine;
    if (agent.life?.isReady !== true) return;
    const lane = lanes[Math.floor(this.#chance.next() * lanes.length)] ?? 'normal';
    const asked = { device, what: undefined, isAcknowledged: false, atMs: 0 };
    const payload = eventPayload(eventId(device, this.#events.push(asked)));
    agent.life.parts.runtime
      .emit({ name: 'note', payload, lane })
      .then(() => this.#told(asked), this.#refused);
  }

  #told(asked: Asked<unknown>): void {
    asked.isAcknowledged = true;
    asked.atMs = this.#world.time.monoMs();
  }

  /** P4: whoever is refused is told by a code that says what to do. */
  readonly #refused = (error: unknown): void => {
    this.#requests.refused += 1;
    if (codeOf(error) !== undefined) return;
    const what = `was refused without a code: ${messageOf(error)}`;
    this.#world.witness.blame('P4', this.#machine.name, what);
  };

  /** Somebody decides, and says so until it is heard; the same decision counts once. */
  #decideLater(run: string): void {
    this.#world.time.wakeIn(this.#chance.next() * NAP_MS_MAX, () => this.#decide(run));
  }

  /** A device that was set back has never heard what it was told since. */
  #decideAgain(sinceMs: number): void {
    for (const [run, atMs] of this.#decided) if (atMs > sinceMs) this.#decideLater(run);
  }

  #decide(run: string): void {
    const life = this.#machine.agent.life;
    let isOver = false;
    if (life?.isReady === true) {
      const signal = { run, name: 'decision', payload: encodeValue(true, 'payload'), id: 'once' };
      life.parts.runtime.signal(signal).then(
        () => {
          isOver = true;
          this.#decided.set(run, this.#world.time.monoMs());
        },
        (error: unknown) => {
          // Its start may still be on its way to the disk; once all is well, it is known.
          isOver = codeOf(error) === 'HF_RUN_UNKNOWN' && this.#world.isHealing;
          isOver ||= codeOf(error) === 'HF_RUN_FINISHED';
        },
      );
    }
    this.#world.time.wakeIn(PATIENCE_MS, () => {
      if (!isOver) this.#decide(run);
    });
  }
}

/** An input in which each text `$id` is the id of the run. */
function withId(input: unknown, id: string): unknown {
  if (input === '$id') return id;
  if (Array.isArray(input)) return input.map((each) => withId(each, id));
  if (typeof input !== 'object' || input === null) return input;
  return Object.fromEntries(Object.entries(input).map(([key, value]) => [key, withId(value, id)]));
}
