import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { SocketClient } from '@holdfast/agent/internal';
import { entriesOf, fillBacklog, type BacklogSize } from './backlog-store.ts';
import type { Benchmark, Effort, Measured } from './benchmark.ts';
import { checkoutFile, processFile, startGateway } from './child.ts';
import { inScratch } from './scratch.ts';
import { SmallBoard, hasSmallBoards } from './small-board.ts';

/**
 * Does an agent live on a small board that has been without a link for weeks: a quarter of a core,
 * 128 MiB, and 1,000,000 entries to send?
 *
 * It is started there, makes steps with 16 runs, is connected to a gateway beside it, and sends.
 * Counted is what has gone wrong: processes that were killed for their memory, or did not say that
 * they are ready. The limit is zero.
 */
const [CORES, BOARD_MIB] = [0.25, 128];
/** Whether it works at all is to be known soon. */
const CORES_SMOKE = 2;
const LARGE: BacklogSize = { events: 900_000, runs: 10_000 };
const SMOKE: BacklogSize = { events: 900, runs: 10 };
const RUNS = '16';

async function measure(effort: Effort): Promise<Measured> {
  const board = await SmallBoard.make(effort.isSmoke ? CORES_SMOKE : CORES, BOARD_MIB);
  try {
    return await inScratch((dir) => live(board, dir, effort));
  } finally {
    await board.remove();
  }
}

async function live(board: SmallBoard, dir: string, effort: Effort): Promise<Measured> {
  const size = effort.isSmoke ? SMOKE : LARGE;
  const [dataDir, socket] = [join(dir, 'device'), join(dir, 'agent.sock')];
  await fillBacklog(dataDir, size);
  const atWork = board.start(processFile('at-work'), dataDir, RUNS, String(effort.ms));
  const { perSecond, readyMs, mib } = await atWork.line();
  await atWork.ended;
  process.stderr.write(`  ${JSON.stringify({ readyMs, perSecond, mib })}\n`);

  const gateway = await startGateway(join(dir, 'gateway'));
  const agent = board.start(
    checkoutFile('agent/bin/holdfast.js'),
    ...['run', '-o', 'json', '--device', 'bench-1', '--data-dir', dataDir, '--socket', socket],
    ...['--code', checkoutFile('examples/dist/checkout/workflow.js'), '--gateway', gateway.mqtt],
    ...['--journal-max-bytes', '4G'],
  );
  await agent.line();
  const client = new SocketClient(socket);
  const pending = async (): Promise<number> => (await client.status()).backlog.pending;
  const [before, beganAt] = [await pending(), performance.now()];
  await pause(effort.ms);
  const drained = ((before - (await pending())) * 1_000) / (performance.now() - beganAt);
  await agent.end('SIGTERM');
  await gateway.end('SIGTERM');
  const facts = {
    ...{ 'steps a second': Number(perSecond), 'ready after, ms': Number(readyMs) },
    ...{ 'MiB resident': Number(mib), 'entries sent a second': drained },
  };
  return {
    ...{ ours: await board.killed(), limit: 0, ratio: null, facts },
    isRight: before >= entriesOf(size),
  };
}

const row: Benchmark = {
  name: 'small-board',
  about: 'a quarter of a core, 128 MiB, 1,000,000 entries to send: killed for its memory',
  unit: 'processes',
  run: measure,
};

/** Only where a part of the machine can be had. */
export const smallBoard: readonly Benchmark[] = hasSmallBoards ? [row] : [];
