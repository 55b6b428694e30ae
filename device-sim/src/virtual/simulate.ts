import { eachDevice } from '@holdfast/gateway/internal';
import type { SimulationReport } from '../report/report.ts';
import { checkEnd, type EndCounts } from './checks.ts';
import { drive, type Requests } from './drive.ts';
import { guarded } from './guard.ts';
import { beginMishaps } from './mishaps.ts';
import { areOrdersSettled } from './order-checks.ts';
import { beginOrders } from './orders.ts';
import { reportOf } from './report-of.ts';
import { checkRest } from './rest-checks.ts';
import { World, type WorldOptions } from './world.ts';

/** How long a healthy world may take to come to its end. */
const HEALING_MS_MAX = 3_600_000;
const LOOK_EVERY_MS = 5_000;
const LOOKS = 100;
/** While it heals, as many more of them at most. */
const HEALING_LOOKS_MAX = 60;

export interface SimulateOptions extends WorldOptions {
  /** Called a hundred times while things go wrong, and while they heal. */
  readonly onLook?: (world: World) => void;
  /** Called some thousand times a second of work, for a picture of it. */
  readonly onPulse?: (world: World) => void;
  /** Ends it where it is, with a report of what has been. */
  readonly signal?: AbortSignal;
}

/** Runs a world to its end and judges it. Never throws for what goes wrong within. */
export async function simulate(options: SimulateOptions): Promise<SimulationReport> {
  const reached = new Set<string>();
  const { signal } = options;
  const world = new World(options);
  const { onPulse } = options;
  if (onPulse !== undefined) world.onPulse = () => onPulse(world);
  const stop = (): void => {
    world.isStopped = true;
  };
  signal?.addEventListener('abort', stop);
  try {
    return await guarded(
      async () => {
        const lived = await live(world, options);
        for (const call of reached) {
          world.witness.blame('world', '', `${call} was called: ${instead(call)}`);
        }
        return reportOf(world, options, lived);
      },
      (call) => reached.add(call),
    );
  } finally {
    signal?.removeEventListener('abort', stop);
  }
}

/** What people and programs asked for, and what became of it. */
export interface Lived {
  readonly requests: Requests;
  readonly became: EndCounts;
  /** When everything had come to its end, true time. */
  readonly endedMs: number;
}

const nothing: EndCounts = { orders: { applied: 0, expired: 0, rejected: 0 }, losses: 0 };

/** From the first start to the last judgement, or to where it was stopped. */
async function live(world: World, { scenario, onLook }: SimulateOptions): Promise<Lived> {
  world.startGateway();
  for (const { name } of world.machines) world.startAgent(name);
  await world.settle();
  const requests = drive(world, scenario);
  const orders = beginOrders(world, scenario);
  beginMishaps(world, scenario.faults);
  for (let look = 1; look <= LOOKS && !world.isStopped; look += 1) {
    await world.runUntil((scenario.durationMs * look) / LOOKS);
    world.look();
    onLook?.(world);
  }
  if (world.isStopped) return cutShort(world, requests);
  world.heal();
  await world.settle();
  const isOver = await comesToEnd(world, onLook);
  if (world.isStopped) return cutShort(world, requests);
  if (!isOver) blameUnfinished(world);
  const endedMs = world.time.monoMs();
  const became = isOver ? await checkEnd(world, requests, orders) : nothing;
  await world.settle();
  if (isOver) await checkRest(world);
  return { requests, became, endedMs };
}

function cutShort({ time }: World, requests: Requests): Lived {
  return { requests, became: nothing, endedMs: time.monoMs() };
}

async function comesToEnd(world: World, onLook: SimulateOptions['onLook']): Promise<boolean> {
  const endMs = world.time.monoMs() + HEALING_MS_MAX;
  for (let look = 0; world.time.monoMs() < endMs && !world.isStopped; look += 1) {
    await world.runUntil(world.time.monoMs() + LOOK_EVERY_MS);
    if (look < HEALING_LOOKS_MAX) world.look();
    onLook?.(world);
    const isAtRest = world.machines.every((machine) => unfinished(world, machine) === undefined);
    if (isAtRest && (await isRefilled(world)) && (await areOrdersSettled(world))) return true;
  }
  return false;
}

/** A ledger that was set back has again what the devices have; nobody has told them yet. */
async function isRefilled({ gateway, machines, witness }: World): Promise<boolean> {
  if (!witness.isRestored) return true;
  for await (const { device, lanes } of eachDevice(gateway.ledger)) {
    const machine = machines.find(({ name }) => name === device);
    const heads = machine?.agent.life?.parts.journal.positions() ?? [];
    if (!heads.every(({ head }, lane) => (lanes[lane]?.watermark ?? 0) >= head)) return false;
  }
  return true;
}

const finalStates: ReadonlySet<string> = new Set(['completed', 'failed', 'cancelled']);

/** Why a device is not at rest; `undefined`: it is. */
function unfinished(world: World, { name, agent }: World['machines'][number]): string | undefined {
  const { life } = agent;
  if (life?.isReady !== true || !world.gateway.isUp) return 'it is down';
  const { journal, runtime } = life.parts;
  const counts = Object.entries(runtime.counts());
  // What a run may come to that has to read what is damaged, P2 and P4 say in the end.
  const isRotten = world.witness.rotten.has(name);
  const isOver = (state: string): boolean =>
    finalStates.has(state) || (isRotten && state === 'stuck');
  const open = counts.filter(([state, count]) => count > 0 && !isOver(state));
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

/** What a workflow does in the place of a call that reaches out of its world. */
function instead(call: string): string {
  if (/date|performance|hrtime|uptime|cpuUsage/i.test(call)) return 'a workflow asks ctx.now()';
  if (/random|generateKey/i.test(call)) return 'a workflow asks ctx.random() or ctx.uuid()';
  if (/set(?:Timeout|Interval|Immediate)|AbortSignal|Atomics|scheduler/.test(call)) {
    return 'a workflow waits with ctx.sleep()';
  }
  return 'here nothing is real; do it in a handler of the file, or give the step another body';
}
