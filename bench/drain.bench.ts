import { cp } from 'node:fs/promises';
import { join } from 'node:path';
import { Agent } from '@holdfast/agent';
import { openLevelLedger, sha256 } from '@holdfast/gateway/internal';
import { decodeValue } from '@holdfast/protocol';
import { alternate, type Benchmark, type Effort, type Measured } from './benchmark.ts';
import { processFile, startChild, startGateway } from './child.ts';
import { cpuMs } from './cpu-time.ts';
import { reading, type Reading } from './readings.ts';
import { inScratch } from './scratch.ts';
import { sentBytes } from './socket-bytes.ts';

/**
 * How fast does a backlog get into the ledger, and does each entry arrive once?
 *
 * An agent's process with a journal of 100,000 readings of 200 B, the gateway's process with
 * its broker and ledger; from the welcome to the last ack. Afterwards the ledger is read and every
 * reading looked for. The limit: bare MQTT into bare LevelDB, in two processes too, with blocks of
 * 256 values of 200 B, one synced put a block, eight blocks on their way.
 */
const BACKLOG = 100_000;
const BACKLOG_SMOKE = 500;
const ENTRY_BYTES = 200;
const APPENDS_AT_ONCE = 1_000;
const PAGE = 5_000;
const DEVICE = 'bench-1';
const PAIRS = 3;

async function fill(dataDir: string, count: number): Promise<void> {
  const agent = await Agent.open({ dataDir, device: DEVICE, workflows: [] });
  for (let from = 0; from < count; from += APPENDS_AT_ONCE) {
    const some = Array.from({ length: Math.min(APPENDS_AT_ONCE, count - from) }, (_, at) =>
      agent.emit('reading', reading(from + at), { lane: 'bulk' }),
    );
    await Promise.all(some);
  }
  await agent.close();
}

interface Audit {
  readonly lost: number;
  readonly doubled: number;
  readonly faults: number;
  readonly bytes: number;
}

/** Reads the ledger of a gateway that has ended, reading by reading. */
async function audit(gatewayDir: string, count: number): Promise<Audit> {
  const ledger = await openLevelLedger(join(gatewayDir, 'ledger'), { sha256, isNew: false });
  const seen = new Uint8Array(count);
  let [after, bytes, doubled] = [0, 0, 0];
  for (;;) {
    const page = await ledger.entries({ device: DEVICE, lane: 'bulk', after, limit: PAGE });
    for (const { entry, bytes: encoded, seq } of page) {
      after = seq;
      bytes += encoded.byteLength;
      if (entry?.kind !== 'event.emitted') continue;
      const { index } = decodeValue(entry.payload) as Reading;
      doubled += seen[index] ?? 0;
      seen[index] = 1;
    }
    if (page.length === 0) break;
  }
  const { faults } = await ledger.verify();
  await ledger.close();
  return { lost: seen.filter((each) => each === 0).length, doubled, faults: faults.length, bytes };
}

interface Drained extends Audit {
  readonly perSecond: number;
  /** Processor time from the welcome to the last ack, ms. */
  readonly agentMs: number;
  readonly gatewayMs: number;
  /** That the agent has sent, meanwhile and before. */
  readonly sent: number | undefined;
}

async function drain(dir: string, filled: string, count: number, killed = false): Promise<Drained> {
  const [device, gatewayDir] = [join(dir, 'device'), join(dir, 'gateway')];
  await cp(filled, device, { recursive: true });
  const gateway = await startGateway(gatewayDir);
  const program = processFile('drain-agent');
  let agent = startChild(program, device, gateway.mqtt, killed ? 'half' : '');
  if (killed) {
    while ((await agent.line())['half'] !== true);
    await agent.end('SIGKILL');
    agent = startChild(program, device, gateway.mqtt);
  }
  let said = await agent.line();
  const used = () => ({ agentMs: cpuMs(agent.pid), gatewayMs: cpuMs(gateway.pid) });
  const before = used();
  while (said['ms'] === undefined) said = await agent.line();
  const after = used();
  const sent = await sentBytes(agent.pid, Number(new URL(gateway.mqtt).port));
  const perSecond = (Number(said['pending']) * 1_000) / Number(said['ms']);
  await agent.end('SIGTERM');
  await gateway.end('SIGTERM');
  const agentMs = after.agentMs - before.agentMs;
  const gatewayMs = after.gatewayMs - before.gatewayMs;
  return { perSecond, agentMs, gatewayMs, sent, ...(await audit(gatewayDir, count)) };
}

async function bare(dir: string, count: number): Promise<number> {
  const receiver = startChild(processFile('bare-receiver'), join(dir, 'bare'));
  const { port } = await receiver.line();
  const numbers = [port, count, ENTRY_BYTES].map(String);
  const sender = startChild(processFile('bare-sender'), ...numbers);
  const { ms } = await sender.line();
  await sender.ended;
  await receiver.end('SIGTERM');
  return (count * 1_000) / Number(ms);
}

const countOf = ({ isSmoke }: Effort): number => (isSmoke ? BACKLOG_SMOKE : BACKLOG);

async function measure(effort: Effort): Promise<Measured> {
  return inScratch(async (dir) => {
    const count = countOf(effort);
    const filled = join(dir, 'filled');
    await fill(filled, count);
    const audits: Drained[] = [];
    const measured = await alternate(effort.isSmoke ? 1 : PAIRS, {
      ours: () =>
        inScratch(async (own) => {
          const drained = await drain(own, filled, count);
          audits.push(drained);
          return drained.perSecond;
        }),
      limit: () => inScratch((own) => bare(own, count)),
    });
    const sum = (of: (each: Drained) => number) => audits.reduce((all, each) => all + of(each), 0);
    const lost = sum((each) => each.lost);
    const doubled = sum((each) => each.doubled);
    const faults = sum((each) => each.faults);
    const anEntry = (all: number) => all / (audits.length * count);
    const facts = {
      ...{ ...measured.facts, lost, doubled, faults },
      'bytes an entry': anEntry(sum((each) => each.bytes)),
      ...(audits.some((each) => each.sent === undefined)
        ? {}
        : { 'bytes on the wire, an entry': anEntry(sum((each) => each.sent ?? 0)) }),
      'µs an entry, agent': anEntry(1_000 * sum((each) => each.agentMs)),
      'µs an entry, gateway': anEntry(1_000 * sum((each) => each.gatewayMs)),
    };
    return { ...measured, facts, isRight: lost + doubled + faults === 0 };
  });
}

async function measureKilled(effort: Effort): Promise<Measured> {
  return inScratch(async (dir) => {
    const count = countOf(effort);
    const filled = join(dir, 'filled');
    await fill(filled, count);
    const { lost, doubled, faults } = await drain(join(dir, 'own'), filled, count, true);
    const wrong = lost + doubled + faults;
    return { ours: wrong, limit: 0, ratio: null, facts: { lost, doubled, faults } };
  });
}

export const drains: readonly Benchmark[] = [
  {
    name: 'drain',
    about: 'backlog of 100,000 × 200 B into the ledger; limit: bare MQTT into bare LevelDB',
    unit: 'entries/s',
    run: measure,
  },
  {
    name: 'drain-killed',
    about: 'the same with the agent killed in the middle: entries lost, doubled or broken',
    unit: 'entries',
    run: measureKilled,
  },
];
