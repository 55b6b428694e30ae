import test from 'ava';
import {
  Sessions,
  StoreLedger,
  createVerify,
  inflate,
  newLedgerRow,
  sessionsLimits,
  sha256,
} from '@holdfast/gateway/internal';
import { keyNameOf, open, seal, type Message } from '@holdfast/protocol';
import { HandJournal, newSigner } from '../../support/hand-journal.ts';
import { SimClock } from '../../support/sim-clock.ts';
import { SimStore } from '../../support/sim-store.ts';

const signer = newSigner();
const limits = { ...sessionsLimits, gateway: 'gw', publicKey: signer.publicKey };
const LOOK_MS = 1_000;
const bytes = (value: number): Uint8Array => new Uint8Array(8).fill(value);

interface Gateway {
  readonly sessions: Sessions;
  readonly sent: Message[];
}

/** Gateways on one ledger, in one process: what they share is the ledger. */
async function openGateways(count: number) {
  const store = new SimStore();
  await store.write([{ kind: 'put', ...newLedgerRow() }]);
  const ledger = await StoreLedger.open(store, sha256);
  const clock = new SimClock();
  const gateways = Array.from({ length: count }, (): Gateway => {
    const sent: Message[] = [];
    const sessions = new Sessions(
      {
        ...{ isShared: true, ledger, signer, verify: createVerify(), sha256, inflate, clock },
        downlink: { send: (device, sealed) => sent.push(open(device, sealed).message) },
        log: { error() {}, info() {}, debug() {} },
        point: () => {},
        onArrival() {},
        onCalls() {},
        onFailure(error) {
          throw error;
        },
      },
      limits,
    );
    return { sessions, sent };
  });
  return { ledger, clock, gateways };
}

/** Everything that was taken has been answered. */
async function settled(gateways: readonly Gateway[]): Promise<void> {
  await Promise.all(gateways.map(({ sessions }) => sessions.close()));
}

/** Has each message of a device reach the gateway of its number, one after another. */
async function play(
  journal: HandJournal,
  script: readonly (readonly [gateway: number, message: Message, signer?: typeof signer])[],
) {
  const { ledger, clock, gateways } = await openGateways(3);
  for (const [index, message, by = signer] of script) {
    // What the ledger said of a device is believed for a moment.
    await clock.advance(LOOK_MS);
    gateways[index]?.sessions.receive(journal.device, seal(journal.device, message, by));
    // What a gateway does with it takes a few turns; the next one comes behind that.
    for (let turn = 0; turn < 50; turn += 1) await new Promise((next) => setImmediate(next));
  }
  await settled(gateways);
  const kinds = gateways.map(({ sent }) => sent.map((message) => codeOrKind(message)));
  return { ledger, kinds };
}

function codeOrKind(message: Message): string {
  return message.kind === 'refusal' ? message.code : message.kind;
}

const idle = { head: 0, acked: 0, backlogBytes: 0, oldestAtMs: 0 };
const report = (journal: HandJournal): Message => ({
  kind: 'report',
  epoch: journal.epoch,
  atMs: 1,
  agentVersion: '1',
  lanes: [idle, idle, idle],
  runs: [],
  boot: 1,
  monoMs: 1,
});

test('batches of a device reach any gateway, and each takes its part of the lane', async (t) => {
  const journal = new HandJournal('d1').facts('normal', 9);

  const { ledger, kinds } = await play(journal, [
    [0, journal.hello(signer)],
    [1, journal.batch('normal', 1, 3)],
    [2, journal.batch('normal', 4, 6)],
    [0, journal.batch('normal', 7, 9)],
    [1, journal.batch('normal', 4, 6)],
  ]);

  t.deepEqual(kinds, [['welcome', 'ack'], ['ack', 'ack'], ['ack']]);
  t.is((await ledger.device('d1'))?.lanes[1].watermark, 9);
});

test('an epoch that began at another gateway is known to all', async (t) => {
  const [first, second] = [new HandJournal('d1'), new HandJournal('d1', 2)];
  first.facts('normal', 1);
  second.facts('normal', 1);

  const { kinds } = await play(first, [
    [0, first.hello(signer)],
    [1, first.batch('normal', 1, 1)],
    [0, second.hello(signer, { session: bytes(2) })],
    [1, second.batch('normal', 1, 1)],
  ]);

  t.deepEqual(kinds[1], ['ack', 'ack']);
});

test('what a key signs that counts no more is refused by whoever knew it', async (t) => {
  const journal = new HandJournal('d1').facts('normal', 2);
  const { ledger, gateways } = await openGateways(2);
  const tell = async (index: number, message: Message, by = signer): Promise<void> => {
    gateways[index]?.sessions.receive('d1', seal('d1', message, by));
    for (let turn = 0; turn < 50; turn += 1) await new Promise((next) => setImmediate(next));
  };
  await tell(0, journal.hello(signer));
  await tell(1, journal.batch('normal', 1, 1));
  const other = newSigner();
  const { publicKey } = other;
  await ledger.awaitKey({ device: 'd1', key: keyNameOf(sha256, publicKey), atMs: 2 });
  await ledger.greet({ device: 'd1', epoch: 1, publicKey, atMs: 3 });

  await tell(1, journal.batch('normal', 2, 2));
  await settled(gateways);

  t.deepEqual(gateways[1]?.sent.map(codeOrKind), ['ack', 'HF_EPOCH_UNKNOWN']);
  t.is((await ledger.device('d1'))?.lanes[1].watermark, 1);
});

test('a device that was revoked is refused by each gateway, and kept aside', async (t) => {
  const journal = new HandJournal('d1').facts('normal', 3);
  const { ledger, gateways } = await openGateways(2);
  const tell = async (index: number, message: Message): Promise<void> => {
    gateways[index]?.sessions.receive('d1', seal('d1', message, signer));
    for (let turn = 0; turn < 50; turn += 1) await new Promise((next) => setImmediate(next));
  };
  await tell(0, journal.hello(signer));
  await tell(0, journal.batch('normal', 1, 1));
  await tell(1, journal.batch('normal', 2, 2));
  const record = await ledger.revokeKey({ device: 'd1', atMs: 2 });
  if (record !== undefined) gateways[0]?.sessions.rekeyed(record);

  await tell(0, journal.batch('normal', 3, 3));
  await tell(0, journal.hello(signer, { session: bytes(9) }));
  // Nobody has told this one.
  await tell(1, journal.batch('normal', 3, 3));
  await settled(gateways);

  const [here, there] = gateways.map(({ sent }) => sent.map(codeOrKind));
  t.deepEqual(here, ['welcome', 'ack', 'HF_DEVICE_REVOKED', 'HF_DEVICE_REVOKED']);
  t.deepEqual(there, ['ack', 'HF_EPOCH_UNKNOWN']);
  t.is((await ledger.device('d1'))?.lanes[1].watermark, 2);
  t.like(await ledger.quarantined({ device: 'd1', limit: 10 }), { batches: 1, entries: 1 });
});

test('a second agent is kept out by whichever gateway it meets', async (t) => {
  const journal = new HandJournal('d1');
  const own = { incarnation: bytes(1), machine: bytes(1) };
  const copy = { incarnation: bytes(2), machine: bytes(2), session: bytes(2) };

  const { kinds } = await play(journal, [
    [0, journal.hello(signer, own)],
    [1, report(journal)],
    [1, journal.hello(signer, copy)],
    [2, report(journal)],
    [2, journal.hello(signer, { ...copy, session: bytes(3) })],
  ]);

  t.deepEqual(kinds, [['welcome'], ['HF_IDENTITY_CONFLICT'], ['HF_IDENTITY_CONFLICT']]);
});

test('a device that was not heard for long costs nothing, and goes on as it was', async (t) => {
  const { ledger, clock, gateways } = await openGateways(1);
  const [gateway] = gateways;
  const journal = new HandJournal('d1').facts('normal', 3);
  const say = async (message: Message): Promise<void> => {
    gateway?.sessions.receive('d1', seal('d1', message, signer));
    for (let turn = 0; turn < 50; turn += 1) await new Promise((next) => setImmediate(next));
  };
  await gateway?.sessions.start();
  await say(journal.hello(signer));
  t.is(gateway?.sessions.live().length, 1);
  await clock.advance(1_800_000);
  t.is(gateway?.sessions.live().length, 1, 'half an hour is not long');

  await clock.advance(3_600_000);
  t.is(gateway?.sessions.live().length, 0);
  await say(journal.batch('normal', 1, 3));

  t.is(gateway?.sent.at(-1)?.kind, 'ack');
  t.is((await ledger.device('d1'))?.lanes[1].watermark, 3);
  await settled(gateways);
  t.is(clock.pending, 0, 'nothing is looked at any more');
});
