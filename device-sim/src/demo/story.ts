import { formatBytes, formatCount } from '@holdfast/protocol';
import type { BacklogView, RunView } from '@holdfast/agent';
import { getJson, until } from '../real/until.ts';
import { DEVICE, addressesOf, startAgent, startGateway, type Bench, type Order } from './bench.ts';
import type { Narrator } from './narrator.ts';

interface Charge {
  readonly orderId: string;
}

/** What happened on the way, for the report. */
export interface Told {
  readonly kills: number;
  readonly outages: number;
}

const SHORTLY = 'Your order will be confirmed shortly.';

/**
 * The story: orders while the link is up; the link cut between payment and inventory; orders
 * without a link; the agent killed in the middle of a step; the gateway killed between commit and
 * ack; everybody back.
 */
export async function tellStory(bench: Bench, narrator: Narrator): Promise<Told> {
  const third = Math.ceil(bench.orders.length / 3);
  const online = bench.orders.slice(0, third);
  const cutOff = bench.orders.slice(third, 2 * third);
  const offline = bench.orders.slice(2 * third);

  narrator.say('agent', `device ${DEVICE}, pid ${bench.agent.pid}, journal in LevelDB`);
  narrator.say('gateway', `pid ${bench.gateway.pid}, API at ${addressesOf(bench.gateway).http}`);
  await sell(bench, online);
  narrator.say('kiosk', `${online.length} orders taken, the link is up`);
  await finished(bench, narrator, online.length);
  await bench.device.waitSynced(30_000);
  narrator.say('kiosk', `${online.length} confirmed; the ledger has everything`);

  await cutBetweenPaymentAndInventory(bench, narrator, cutOff);
  await sell(bench, offline);
  narrator.say('kiosk', `${offline.length} more orders taken, without a network`);
  await killAgentInMidStep(bench, narrator, offline);
  await allWaitForTheNetwork(bench, narrator, [...cutOff, ...offline]);
  await killGatewayBeforeAck(bench, narrator);
  await finished(bench, narrator, bench.orders.length);
  await bench.device.waitSynced(30_000);
  narrator.say('device', 'nothing is pending: the ledger has every entry of the journal');
  return { kills: 2, outages: 1 };
}

async function sell(bench: Bench, orders: readonly Order[]): Promise<void> {
  for (const order of orders) {
    await bench.device.start({ workflow: 'checkout', input: order, id: order.id });
  }
}

async function finished(bench: Bench, narrator: Narrator, count: number): Promise<void> {
  await until(`${count} completed runs`, async () => {
    const { runs, backlog } = await bench.device.status();
    narrator.show(`${runs.completed ?? 0} of ${count} completed, ${backlog.pending} pending`);
    return (runs.completed ?? 0) >= count;
  });
}

async function cutBetweenPaymentAndInventory(
  bench: Bench,
  narrator: Narrator,
  orders: readonly Order[],
): Promise<void> {
  const charged = until('a charge', () => chargeOf(bench, orders));
  await sell(bench, orders);
  narrator.say('kiosk', `${orders.length} more orders taken`);
  const order = await charged;
  bench.link.setMode('cut');
  narrator.say('link', `CUT while ${order} is being paid: no broker, no gateway, no inventory`);
}

/** The service charges and answers a little later: between the two is the worst moment. */
async function killAgentInMidStep(
  bench: Bench,
  narrator: Narrator,
  orders: readonly Order[],
): Promise<void> {
  const order = await until('a charge that is not answered', () => chargeOf(bench, orders));
  await bench.agent.end('SIGKILL');
  narrator.say('agent', `KILLED (SIGKILL) in authorize-payment of ${order}: charged, not answered`);
  bench.agent = await startAgent(bench);
  narrator.say('agent', `started again, pid ${bench.agent.pid}: goes on from its journal`);
}

async function chargeOf(bench: Bench, orders: readonly Order[]): Promise<string | undefined> {
  const charges = await getJson<Charge[]>(`${bench.paymentUrl}/charges`);
  return charges.find(({ orderId }) => orders.some(({ id }) => id === orderId))?.orderId;
}

async function allWaitForTheNetwork(
  bench: Bench,
  narrator: Narrator,
  orders: readonly Order[],
): Promise<void> {
  let shown = -1;
  const waiting = await until('orders that wait for the network', async () => {
    const { runs } = await bench.device.runs({ all: true, limit: 1_000 });
    const backlog = await bench.device.backlog();
    narrator.show(`offline: ${backlogLine(backlog)}`);
    if (backlog.pending >= shown + 40) {
      shown = backlog.pending;
      narrator.say('device', `offline, working: ${backlogLine(backlog)}`);
    }
    const ours = runs.filter((run) => orders.some(({ id }) => id === run.id));
    const waits = ours.filter(isWaiting);
    // On a busy machine an order may have its answer before the link is cut.
    const early = ours.filter((run) => run.state === 'completed');
    return waits.length > 0 && waits.length + early.length === orders.length ? waits : undefined;
  });
  narrator.say('device', `offline: ${backlogLine(await bench.device.backlog())}`);
  narrator.say('kiosk', `${waiting.length} customers read: "${SHORTLY}"`);
}

function isWaiting(run: RunView): boolean {
  return run.state === 'waiting-call' && run.status === SHORTLY;
}

async function killGatewayBeforeAck(bench: Bench, narrator: Narrator): Promise<void> {
  bench.gateway.send('arm');
  bench.link.setMode('up');
  narrator.say('link', 'back: the device sends what is pending');
  await bench.gateway.exited;
  narrator.say('gateway', 'KILLED (SIGKILL) between commit and ack: the device was told nothing');
  bench.gateway = await startGateway(bench);
  narrator.say(
    'gateway',
    `started again, pid ${bench.gateway.pid}: takes resends for what they are`,
  );
}

function backlogLine(backlog: BacklogView): string {
  return `${formatCount(backlog.pending)} entries (${formatBytes(backlog.bytes)}) pending`;
}
