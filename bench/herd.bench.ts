import type { Benchmark, Effort, Measured } from './benchmark.ts';
import { processFile, startChild, startGateway, type Child } from './child.ts';
import { cpuMs } from './cpu-time.ts';
import { residentMib } from './resident.ts';
import { inScratch } from './scratch.ts';

/**
 * What do 10,000 connected devices take of one gateway with its built-in broker, and what becomes
 * of them when it is killed and started again?
 *
 * Each device has a connection, a key and a journal, says hello, sends a batch and a report each
 * half minute, and has a backlog of its own when the gateway comes back. All of them are in one
 * process beside the gateway, on the same machine.
 */
export interface HerdOptions {
  readonly count: number;
  /** In which they begin, in seconds. */
  readonly overS: number;
  /** How often each emits an event, and reports. */
  readonly emitS: number;
  readonly reportS: number;
  /** What each journals when it loses its connection. */
  readonly backlog: number;
}

/** What a herd says of its last second. */
export interface HerdLine {
  readonly connected: number;
  /** How many were welcomed, and lost their connection. */
  readonly greeted: number;
  readonly lost: number;
  /** Entries that were journaled and acknowledged on one connection; how long they waited, ms. */
  readonly acks: number;
  readonly p50: number;
  readonly p99: number;
  readonly most: number;
  /** Entries that were journaled without one. */
  readonly lateAcks: number;
  readonly lateMost: number;
  readonly waiting: number;
}

interface Size {
  readonly herd: HerdOptions;
  /** How long it is watched while nothing happens. */
  readonly calmS: number;
  /** How long it may take to be there, and to be there again. */
  readonly patienceS: number;
}

const LARGE: Size = {
  herd: { count: 10_000, overS: 60, emitS: 30, reportS: 30, backlog: 20 },
  calmS: 30,
  patienceS: 600,
};
const SMOKE: Size = {
  herd: { count: 20, overS: 0.2, emitS: 10, reportS: 10, backlog: 1 },
  calmS: 1,
  patienceS: 60,
};
const CONNECTS_PER_S = 500;

interface Seen {
  /** Of the gateway, with all devices connected, MiB: now, and at most. */
  readonly mib: number;
  readonly mibMost: number;
  readonly calm: readonly HerdLine[];
  readonly back: readonly HerdLine[];
  /** Of the gateway, in the calm, ms a second. */
  readonly cpuMs: number;
  readonly isRight: boolean;
}

/** Memory and return are of the same herd: it is made once for both rows. */
let seen: Promise<Seen> | undefined;

function watch({ isSmoke }: Effort): Promise<Seen> {
  const { herd, calmS, patienceS } = isSmoke ? SMOKE : LARGE;
  return inScratch(async (dir) => {
    const first = await startGateway(dir, '--report-every', `${herd.reportS}s`);
    const { port } = new URL(first.mqtt);
    const program = [processFile('herd'), first.mqtt, JSON.stringify(herd)] as const;
    const devices = startChild(...program);
    const allAreThere = (line: HerdLine): boolean => line.connected === herd.count;
    const there = await until({ devices, gateway: first }, patienceS, allAreThere);
    const usedMs = cpuMs(first.pid);
    const calm = await until({ devices, gateway: first }, calmS, () => false);
    const calmMs = (cpuMs(first.pid) - usedMs) / calmS;
    const mib = residentMib(first.pid);
    await first.end('SIGKILL');
    const place = ['--mqtt-port', port, '--report-every', `${herd.reportS}s`];
    const second = await startGateway(dir, ...place);
    const back = await until({ devices, gateway: second }, patienceS, (line) => {
      return allAreThere(line) && line.waiting < herd.count / 10;
    });
    const mibMost = residentMib(second.pid, 'VmHWM');
    await devices.end('SIGTERM');
    await second.end('SIGTERM');
    const isRight = [there, back].every((lines) => lines.at(-1)?.connected === herd.count);
    return { mib, mibMost, calm, back, cpuMs: calmMs, isRight };
  });
}

interface Watched {
  readonly devices: Child;
  readonly gateway: Child;
}

/**
 * Listens to a herd until it is as wanted, or the time is over.
 *
 * @throws HF_PROCESS_FAILED, with its last words, when the gateway ends meanwhile.
 */
async function until(
  { devices, gateway }: Watched,
  seconds: number,
  isDone: (line: HerdLine) => boolean,
): Promise<readonly HerdLine[]> {
  const heard: HerdLine[] = [];
  const gone = gateway.ended.then(() => gateway.line());
  gone.catch(() => {}); // It ends behind this, too, when it is told to.
  while (heard.length < seconds) {
    // Our own process has said it.
    const line = (await Promise.race([devices.line(), gone])) as unknown as HerdLine;
    heard.push(line);
    if (isDone(line)) break;
  }
  return heard;
}

const most = (lines: readonly HerdLine[], of: (line: HerdLine) => number): number =>
  Math.max(0, ...lines.map(of));

/** Of the seconds in which there was something to acknowledge, the one in the middle. */
function typical(lines: readonly HerdLine[], of: (line: HerdLine) => number): number {
  const values = lines.filter(({ acks }) => acks > 0).map(of);
  return values.toSorted((a, b) => a - b)[values.length >> 1] ?? 0;
}

function factsOf({ mib, mibMost, calm, back, cpuMs: usedMs }: Seen) {
  return {
    'MiB resident': mib,
    'MiB at most, coming back': mibMost,
    'ms of processor time a second': usedMs,
    'ack p50, ms': typical(calm, ({ p50 }) => p50),
    'ack p99, ms': typical(calm, ({ p99 }) => p99),
    'ack p99 in the worst second, ms': most(calm, ({ p99 }) => p99),
    'back after, s': back.length,
    'welcomed in the busiest second': most(back, ({ greeted }) => greeted),
    'live ack p99, coming back, ms': typical(back, ({ p99 }) => p99),
    'longest live ack, coming back, ms': most(back, (line) => line.most),
    'longest of the backlog, ms': most(back, ({ lateMost }) => lateMost),
    'lost again': back.slice(2).reduce((sum, { lost }) => sum + lost, 0),
  };
}

async function memory(effort: Effort): Promise<Measured> {
  const all = await (seen ??= watch(effort));
  const { mib, isRight } = all;
  return { ours: mib, limit: 0, ratio: null, facts: factsOf(all), isRight };
}

async function comingBack(effort: Effort): Promise<Measured> {
  const all = await (seen ??= watch(effort));
  const facts = factsOf(all);
  // What a second of ours counts may be of a little more than a second.
  const isPaced = facts['welcomed in the busiest second'] <= 1.2 * CONNECTS_PER_S;
  const ours = most(all.back, ({ p99 }) => p99);
  return { ours, limit: 0, ratio: null, facts, isRight: all.isRight && isPaced };
}

export const herd: readonly Benchmark[] = [
  {
    name: 'herd-memory',
    about: 'resident size of a gateway with 10,000 connected devices that send now and then',
    unit: 'MiB',
    run: memory,
  },
  {
    name: 'herd-return',
    about: 'the gateway is killed, and all come back: p99 of live acks in the worst second',
    unit: 'ms',
    run: comingBack,
  },
];
