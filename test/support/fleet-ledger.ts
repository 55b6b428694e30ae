import { createHash } from 'node:crypto';
import { openLevelLedger, sha256, type Ledger } from '@holdfast/gateway/internal';
import { chainNext, chainStart, encodeEntry, encodeValue, type Entry } from '@holdfast/protocol';

export interface FleetSize {
  readonly devices: number;
  readonly runs: number;
}

const FIRST_MS = Date.parse('2026-03-01T12:00:00Z');
/** Batches that are under way at once share a sync. */
const AT_ONCE = 200;
const workflows = ['checkout', 'read-meter', 'door-alarm', 'firmware'] as const;
/** One run in so many fails, or is not over. */
const FAILED_EVERY = 97;
const OPEN_EVERY = 31;

/** Fills an empty ledger in LevelDB with a fleet and what it did. */
export async function fillLedger(directory: string, size: FleetSize): Promise<void> {
  const ledger = await openLevelLedger(directory, { sha256, isNew: false });
  const ids = Array.from({ length: size.devices }, (_, at) => at);
  while (ids.length > 0) {
    await Promise.all(ids.splice(0, AT_ONCE).map((at) => fillDevice(ledger, at, size)));
  }
  await fillLongRun(ledger);
  await ledger.close();
}

/** One run of very many steps, on a device of its own, which is the last by name. */
export const LONG_RUN = { device: 'weigher-1', run: 'run-long', steps: 10_000 } as const;
const BATCH = 500;

async function fillLongRun(ledger: Ledger): Promise<void> {
  const { device, run, steps } = LONG_RUN;
  const [epoch, lane] = [1, 'normal'] as const;
  const publicKey = createHash('sha512').update(device).digest();
  await ledger.greet({ device, epoch, publicKey, atMs: FIRST_MS });
  const at = (n: number) => ({ atMs: FIRST_MS + n * 250, boot: 1, monoMs: n * 250 });
  const begun = { kind: 'run.started', workflow: 'press', version: 1, uid: 'uid-long' } as const;
  const alone = { parent: '', parentOp: 0, traceparent: '', input: encodeValue(steps) };
  const entries: Entry[] = [{ ...begun, ...at(0), run, n: 0, ...alone }];
  for (let op = 1; op <= steps; op += 1) {
    const of = { ...at(op), run, n: op, op, name: `step-${op}`, attempt: 1, tookMs: 20 };
    entries.push({ kind: 'step.completed', ...of, result: encodeValue('pressed') });
  }
  const end = { ...at(steps + 1), run, n: steps + 1, output: encodeValue('all') };
  entries.push({ kind: 'run.completed', ...end });
  const encoded = entries.map((entry) => encodeEntry(entry));
  let previousHash = chainStart(sha256, { device, epoch, lane });
  for (let first = 0; first < encoded.length; first += BATCH) {
    const batch = encoded.slice(first, first + BATCH);
    const hash = batch.reduce((before, entry) => chainNext(sha256, before, entry), previousHash);
    const place = { device, epoch, lane, seqFirst: first + 1, previousHash, hash };
    await ledger.ingest({ ...place, entries: batch, receivedAtMs: FIRST_MS + 3_600_000 });
    previousHash = hash;
  }
}

async function fillDevice(ledger: Ledger, at: number, size: FleetSize): Promise<void> {
  const [device, epoch, lane] = [`pump-${String(at).padStart(5, '0')}`, 1, 'normal'] as const;
  const publicKey = createHash('sha512').update(device).digest();
  await ledger.greet({ device, epoch, publicKey, atMs: FIRST_MS });
  const numbers = Array.from({ length: Math.ceil(size.runs / size.devices) }, (_, index) => index);
  const entries = numbers.flatMap((index) => runEntries(index * size.devices + at));
  if (entries.length === 0) return;
  const previousHash = chainStart(sha256, { device, epoch, lane });
  const encoded = entries.map((entry) => encodeEntry(entry));
  const hash = encoded.reduce((before, entry) => chainNext(sha256, before, entry), previousHash);
  await ledger.ingest({
    ...{ device, epoch, lane, seqFirst: 1, previousHash, hash, entries: encoded },
    receivedAtMs: FIRST_MS + 1_000,
  });
}

function runEntries(number: number): readonly Entry[] {
  const run = `run-${String(number).padStart(7, '0')}`;
  const workflow = workflows[number % workflows.length] ?? 'checkout';
  const at = (ms: number) => {
    const monoMs = number * 100 + ms;
    return { atMs: FIRST_MS + monoMs, boot: 1, monoMs };
  };
  const started: Entry = {
    ...{ kind: 'run.started', ...at(0), run, n: 0, workflow, version: 1, uid: `uid-${run}` },
    ...{ input: encodeValue({ order: number }), parent: '', parentOp: 0, traceparent: '' },
  };
  const of = { ...at(40), run, n: 1, op: 1, name: 'order-intake', attempt: 1 };
  if (number % FAILED_EVERY === 0) {
    const error = encodeValue(new Error('no paper'));
    const failed: Entry = { kind: 'run.failed', ...at(50), run, n: 2, error };
    return [started, { kind: 'step.failed', ...of, error }, failed];
  }
  const done: Entry = { kind: 'step.completed', ...of, tookMs: 4, result: encodeValue('accepted') };
  if (number % OPEN_EVERY === 0) return [started, done];
  const output = encodeValue({ total: number });
  return [started, done, { kind: 'run.completed', ...at(50), run, n: 2, output }];
}
