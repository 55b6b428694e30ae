import {
  openDatabase,
  openPostgresLedger,
  sha256,
  systemClock,
  type IngestBatch,
  type Queryable,
} from '@holdfast/gateway/internal';
import { PostgresServer, postgresIsMissing } from '@holdfast/device-sim/internal';
import { assert } from '@holdfast/protocol';
import { alternate, pairsOf, type Benchmark, type Effort, type Measured } from './benchmark.ts';
import { DeviceJournal } from './device-journal.ts';

/**
 * How many entries a second does the ledger in PostgreSQL take, in batches of 256 with 200 B each,
 * from eight devices at once? The limit: eight connections that insert as many rows of the same
 * bytes, one an entry, and advance a watermark in the same statement.
 */
const DEVICES = 8;
const ENTRIES = 256;
/** Of each device, in one measurement. */
const BATCHES = 40;
const BATCHES_SMOKE = 2;
/** Of each device on their way, as a device has them. */
const WINDOW = 4;

const log = { error: () => {}, info: () => {}, debug: () => {} };

/** Takes the batches of each device in order, several on their way. @returns Entries a second. */
async function rateOf(
  backlogs: readonly (readonly IngestBatch[])[],
  take: (batch: IngestBatch) => Promise<void>,
  window = 1,
): Promise<number> {
  const startedAt = performance.now();
  const send = async (batches: readonly IngestBatch[]): Promise<void> => {
    const underWay: Promise<void>[] = [];
    for (const batch of batches) {
      if (underWay.length >= window) await underWay.shift();
      underWay.push(take(batch));
    }
    await Promise.all(underWay);
  };
  await Promise.all(backlogs.map(send));
  const entries = ENTRIES * backlogs.reduce((sum, { length }) => sum + length, 0);
  return (entries * 1_000) / (performance.now() - startedAt);
}

/** The least that a ledger of rows does. */
async function bareTake(db: Queryable, { device, seqFirst, entries }: IngestBatch): Promise<void> {
  const text = `with mark as (
      update bare_mark set seq = $3 where device = $1 and seq = $2 - 1 returning device
    ) insert into bare_entry select mark.device, $2 + w.n - 1, w.bytes
      from mark, unnest($4::bytea[]) with ordinality as w(bytes, n)`;
  const values = [device, seqFirst, seqFirst + entries.length - 1, entries];
  await db.query({ name: 'bare', text, values, rowMode: 'array' });
}

async function makeBare(db: Queryable): Promise<void> {
  const ask = (text: string) => db.query({ text, values: [], rowMode: 'array' });
  await ask('create table bare_mark (device text primary key, seq bigint not null)');
  await ask(`create table bare_entry (
    device text not null, seq bigint not null, bytes bytea not null, primary key (device, seq)
  )`);
}

async function measure(effort: Effort): Promise<Measured> {
  const server = await PostgresServer.start();
  try {
    const url = await server.empty();
    const parts = { address: url.href, sha256, clock: systemClock, log, isNew: true };
    const { ledger } = await openPostgresLedger(parts);
    const bare = openDatabase(url);
    await makeBare(bare);
    const count = effort.isSmoke ? BATCHES_SMOKE : BATCHES;
    let round = 0;
    const backlogs = async (begin: (journal: DeviceJournal) => Promise<unknown>) => {
      round += 1;
      const journals = Array.from(
        { length: DEVICES },
        (_, index) => new DeviceJournal(`bench-${round}-${index}`, ENTRIES),
      );
      await Promise.all(journals.map(begin));
      return journals.map((each) => Array.from({ length: count }, () => each.next()));
    };
    const ours = async (): Promise<number> => {
      const made = await backlogs((journal) => journal.greet(ledger));
      return rateOf(
        made,
        async (batch) => {
          const outcome = await ledger.ingest(batch);
          assert(outcome.kind === 'committed' && outcome.fresh === ENTRIES, 'a batch is taken');
        },
        WINDOW,
      );
    };
    const limit = async (): Promise<number> => {
      const text = 'insert into bare_mark values ($1, 0)';
      const made = await backlogs(({ device }) =>
        bare.query({ text, values: [device], rowMode: 'array' }),
      );
      return rateOf(made, (batch) => bareTake(bare, batch));
    };
    if (!effort.isSmoke) await Promise.all([ours(), limit()]);
    const measured = await alternate(pairsOf(effort), { ours, limit });
    const { entries, faults } = await ledger.verify();
    await ledger.close();
    await bare.close();
    return { ...measured, isRight: faults.length === 0 && entries > 0 };
  } finally {
    await server.stop();
  }
}

const ingest: Benchmark = {
  name: 'ingest-postgres',
  about: 'entries of 200 B into PostgreSQL, 256 a batch; limit: bare rows and a watermark',
  unit: 'entries/s',
  run: measure,
};

/** Only where a machine has PostgreSQL. */
export const ingestPostgres: readonly Benchmark[] = postgresIsMissing === '' ? [ingest] : [];
