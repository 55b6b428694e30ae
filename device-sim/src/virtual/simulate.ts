import { checkEnd } from './checks.ts';
import { drive, type Requests } from './drive.ts';
import { guarded } from './guard.ts';
import { beginMishaps } from './mishaps.ts';
import { areOrdersSettled, type OrderCounts } from './order-checks.ts';
import { beginOrders } from './orders.ts';
import type { Violation } from './witness.ts';
import { World, type WorldOptions } from './world.ts';

export interface SimulationReport {
  readonly schema: 'holdfast.simulation/1';
  readonly seed: number;
  readonly devices: number;
  /** Of the virtual world, healing included. */
  readonly virtualMs: number;
  readonly healedMs: number;
  readonly events: number;
  readonly runs: number;
  readonly acknowledged: number;
  readonly entries: number;
  /** Commands that somebody at the gateway gave. */
  readonly orders: OrderCounts;
  readonly messages: number;
  readonly bytes: number;
  /** How often what went wrong. */
  readonly mishaps: Readonly<Record<string, number>>;
  readonly boots: number;
  readonly gatewayStarts: number;
  /** Of everything that happened: the same for the same seed. */
  readonly digest: string;
  /** Empty: every promise held. */
  readonly violations: readonly Violation[];
}

const noOrders: OrderCounts = { applied: 0, expired: 0, rejected: 0 };

/** How long a healthy world may take to come to its end. */
const HEALING_MS_MAX = 3_600_000;
const LOOK_EVERY_MS = 5_000;

/** How far a world is, while it runs. */
export interface Progress {
  readonly virtualMs: number;
  readonly durationMs: number;
  readonly entries: number;
  readonly violations: number;
}

export interface SimulateOptions extends WorldOptions {
  /** Called a hundred times while things go wrong. */
  readonly onProgress?: (progress: Progress) => void;
}

const LOOKS = 100;

/** Runs a world to its end and judges it. Never throws for what goes wrong within. */
export async function simulate(options: SimulateOptions): Promise<SimulationReport> {
  return guarded(async () => {
    const { plan } = options;
    const world = new World(options);
    world.startGateway();
    for (const { name } of world.machines) world.startAgent(name);
    await world.settle();
    const requests = drive(world, plan);
    const orders = beginOrders(world, plan);
    beginMishaps(world, plan);
    for (let look = 1; look <= LOOKS; look += 1) {
      await world.runUntil((plan.durationMs * look) / LOOKS);
      options.onProgress?.(progressOf(world, plan.durationMs));
    }
    world.heal();
    await world.settle();
    const isOver = await comesToEnd(world);
    if (!isOver) blameUnfinished(world);
    const became = isOver ? await checkEnd(world, requests, orders) : noOrders;
    await world.settle();
    return { ...reportOf(world, options, requests), orders: became };
  });
}

function progressOf({ time, witness }: World, durationMs: number): Progress {
  const { entries, violations } = witness;
  return { virtualMs: time.monoMs(), durationMs, entries, violations: violations.length };
}

async function comesToEnd(world: World): Promise<boolean> {
  const endMs = world.time.monoMs() + HEALING_MS_MAX;
  while (world.time.monoMs() < endMs) {
    await world.runUntil(world.time.monoMs() + LOOK_EVERY_MS);
    const isAtRest = world.machines.every((machine) => unfinished(world, machine) === undefined);
    if (isAtRest && (await areOrdersSettled(world))) return true;
  }
  return false;
}

const finalStates: ReadonlySet<string> = new Set(['completed', 'failed', 'cancelled']);

/** Why a device is not at rest; `undefined`: it is. */
function unfinished(world: World, { agent }: World['machines'][number]): string | undefined {
  const { life } = agent;
  if (life?.isReady !== true || !world.gateway.isUp) return 'it is down';
  const { journal, runtime } = life.parts;
  const counts = Object.entries(runtime.counts());
  const open = counts.filter(([state, count]) => count > 0 && !finalStates.has(state));
  if (open.length > 0) return open.map(([state, count]) => `${count} ${state}`).join(', ');
  const behind = journal.positions().reduce((sum, { head, acked }) => sum + head - acked, 0);
  return behind > 0 ? `${behind} entries are not acknowledged` : undefined;
}

function blameUnfinished(world: World): void {
  let isAtRest = true;
  for (const machine of world.machines) {
    const why = unfinished(world, machine);
    isAtRest &&= why === undefined;
    if (why !== undefined) world.witness.blame('P2', machine.name, `it does not end: ${why}`);
  }
  if (isAtRest) world.witness.blame('P6', 'gateway', 'commands have no receipts');
}

function reportOf(
  world: World,
  { plan, seed }: WorldOptions,
  requests: Requests,
): Omit<SimulationReport, 'orders'> {
  const asked = [...requests.runs.values(), ...requests.events.values()];
  return {
    schema: 'holdfast.simulation/1',
    seed,
    devices: plan.devices,
    virtualMs: Math.round(world.time.monoMs()),
    healedMs: Math.round(world.time.monoMs() - plan.durationMs),
    events: world.events,
    runs: requests.runs.size,
    acknowledged: asked.filter(({ isAcknowledged }) => isAcknowledged).length,
    entries: world.witness.entries,
    messages: world.network.messages,
    bytes: world.network.bytes,
    mishaps: world.network.met,
    boots: world.machines.reduce((sum, { agent }) => sum + agent.boots, 0),
    gatewayStarts: world.gateway.starts,
    digest: world.digest,
    violations: world.witness.violations,
  };
}
