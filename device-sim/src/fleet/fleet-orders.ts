import type { Chance } from '@holdfast/protocol';
import { askApi, getFromApi } from '../real/gateway-api.ts';
import type { Scenario } from '../scenario/scenario.ts';
import type { OrderCounts } from '../virtual/order-checks.ts';
import type { Order } from '../virtual/workload.ts';
import type { Fleet } from './fleet.ts';
import type { LedgerRow } from './ledger-row.ts';

/** A command that somebody gave to a device at the gateway. */
interface FleetOrder {
  readonly device: string;
  /** 0: never. */
  readonly expiresAtMs: number;
  /** Whoever gave it was told that it is durable. */
  isAcknowledged: boolean;
}

interface CommandAnswer {
  readonly complete: boolean;
  readonly devices: Readonly<Record<keyof OrderCounts, number>>;
}

type Blame = (promise: string, device: string, what: string) => void;

/** A gateway that is asked more often than this has no time for anything else. */
const EVERY_MS_MIN = 1_000;
/** A command that is valid for less may come too late where nothing fails. */
const SHORTEST_MS = 5_000;
/** One in so many never expires. */
const LASTING = 3;
/** What the clock of a device, and the way there, may be wrong by. */
const EARLY_MS = 2_000;
/** Each starts this. */
const nap = (id: string): Order => ({ id, quantity: 1, napMs: 100 });

/** Commands that people and programs give to real devices, until it is stopped. */
export class FleetOrders {
  /** By the id of the dispatch, which is that of the run it starts. */
  readonly #orders = new Map<string, FleetOrder>();
  readonly #fleet: Fleet;
  readonly #timers = new Set<NodeJS.Timeout>();
  readonly #underWay = new Set<Promise<unknown>>();
  #isOver = false;

  constructor(
    fleet: Fleet,
    scenario: Scenario,
    of: { readonly scale: number; readonly chanceOf: (purpose: string) => Chance },
  ) {
    this.#fleet = fleet;
    const { orderEveryMs, orderForMs } = scenario;
    if (orderEveryMs === 0) return;
    const everyMs = Math.max(EVERY_MS_MIN, orderEveryMs * of.scale);
    for (const { name: device } of fleet.devices) {
      const chance = of.chanceOf(`orders of ${device}`);
      let count = 0;
      const wait = (): void =>
        this.#after(everyMs * (0.5 + chance.next()), () => {
          count += 1;
          const forMs = SHORTEST_MS + chance.next() * orderForMs * of.scale;
          const expiresAtMs = count % LASTING === 0 ? 0 : Math.ceil(Date.now() + forMs);
          this.#give(`${device}-order-${count}`, { device, expiresAtMs, isAcknowledged: false });
          wait();
        });
      wait();
    }
  }

  /** Resolves once nobody waits for an answer any more. */
  async stop(): Promise<void> {
    this.#isOver = true;
    for (const timer of this.#timers) clearTimeout(timer);
    await Promise.all(this.#underWay);
  }

  /** How many commands have no receipt at the gateway. */
  async waiting(): Promise<number> {
    const all = await Promise.all([...this.#orders.keys()].map((id) => this.#answerTo(id)));
    return all.filter((answer) => answer?.complete === false).length;
  }

  /** P6: each command has one receipt, and the effect that it says; numbers are in their order. */
  async judge(held: ReadonlyMap<string, readonly LedgerRow[]>, blame: Blame): Promise<OrderCounts> {
    const counts = { applied: 0, expired: 0, rejected: 0 };
    for (const [device, entries] of held) checkNumbers(device, entries, blame);
    for (const [id, { device, expiresAtMs, isAcknowledged }] of this.#orders) {
      const entries = held.get(device) ?? [];
      const receipts = entries.filter(({ kind, key }) => kind === 'command.receipt' && key === id);
      const told = await this.#answerTo(id);
      if (told === undefined && isAcknowledged) blame('P6', device, `${id} is forgotten`);
      if (told === undefined) continue;
      const [receipt] = receipts;
      if (receipts.length !== 1 || receipt?.outcome === undefined) {
        blame('P6', device, `${id} has ${receipts.length} receipts`);
        continue;
      }
      const { outcome, at = '' } = receipt;
      counts[outcome] += 1;
      if (told.devices[outcome] !== 1) blame('P6', device, `${id} does not count as ${outcome}`);
      if (outcome === 'rejected') blame('P6', device, `${id} is rejected`);
      const mayExpire = expiresAtMs > 0 && Date.parse(at) > expiresAtMs - EARLY_MS;
      if (outcome === 'expired' && !mayExpire) blame('P6', device, `${id} expired too early`);
      const starts = entries.filter(({ kind, run }) => kind === 'run.started' && run === id).length;
      if (starts !== (outcome === 'applied' ? 1 : 0)) {
        blame('P6', device, `${id} is ${outcome}, and began ${starts} times`);
      }
    }
    return counts;
  }

  #after(ms: number, act: () => void): void {
    const timer = setTimeout(() => {
      this.#timers.delete(timer);
      if (!this.#isOver) act();
    }, ms);
    this.#timers.add(timer);
  }

  #give(id: string, order: FleetOrder): void {
    this.#orders.set(id, order);
    const { device, expiresAtMs } = order;
    const expiresAt = expiresAtMs === 0 ? null : new Date(expiresAtMs).toISOString();
    const body = { id, kind: 'run.start', to: { device }, run: id, name: 'nap', payload: nap(id) };
    const asked = this.#post({ ...body, expiresAt }).then(
      (isTaken) => (order.isAcknowledged = isTaken),
      // A dead gateway answers nobody: whether it is there is seen at the end.
      () => undefined,
    );
    this.#underWay.add(asked);
    void asked.finally(() => this.#underWay.delete(asked));
  }

  async #post(body: unknown): Promise<boolean> {
    const answer = await askApi(this.#fleet.api, '/api/commands', {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
    });
    return answer.ok;
  }

  /** What the gateway says of a command; `undefined`: it has never heard of it. */
  async #answerTo(id: string): Promise<CommandAnswer | undefined> {
    const path = `/api/commands/${id}`;
    const answer = await askApi(this.#fleet.api, path);
    if (answer.status === 404) return undefined;
    return getFromApi<CommandAnswer>(this.#fleet.api, path);
  }
}

function checkNumbers(device: string, entries: readonly LedgerRow[], blame: Blame): void {
  let last = 0;
  // In the order of their lane.
  for (const { command = 0 } of entries.filter(({ lane }) => lane === 'urgent')) {
    if (command === 0) continue;
    if (command !== last + 1) blame('P6', device, `command ${command} was obeyed behind ${last}`);
    last = command;
  }
}
