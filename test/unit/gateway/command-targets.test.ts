import {
  commandKinds,
  createFleet,
  readIssueBody,
  sha256,
  type IssueQuery,
} from '@holdfast/gateway/internal';
import { decodeValue } from '@holdfast/protocol';
import test from 'ava';
import { HandJournal, newSigner } from '../../support/hand-journal.ts';
import { ledgers } from '../../support/ledgers.ts';
import { noWebhooks } from '../../support/no-webhooks.ts';

const NOW_MS = Date.parse('2026-03-01T13:00:00Z');
const expiresAt = '2026-03-02T13:00:00Z';

/** What each kind brings; `undefined`: nothing at all. */
const contents: Readonly<Record<IssueQuery['kind'], object>> = {
  'run.start': { name: 'inspect', payload: { depth: 2 } },
  'run.signal': { run: 'r-1', name: 'paid', payload: 7 },
  'run.cancel': { run: 'r-1', payload: 'sold out' },
  'run.pause': { run: 'r-1', payload: 'a storm' },
  'run.resume': { run: 'r-1' },
  'run.retry': { run: 'r-1', payload: 'a new part' },
  'run.fork': { run: 'r-1', name: 'cut', payload: 'r-2' },
  'step.skip': { run: 'r-1', name: 'ask', payload: 'no' },
  'step.complete': { name: 'token-1', payload: 7 },
  'step.fail': { name: 'token-1', payload: 'nobody was at home' },
  'config.set': { name: 'report.every', payload: '15m' },
  'key.rotate': {},
};

const targets = [
  { to: { device: 'd1' }, devices: ['d1'] },
  { to: { tags: { site: 'oslo' } }, devices: ['d1', 'd2'] },
  { to: { all: true }, devices: ['d1', 'd2', 'd3'] },
] as const;

const outcomes = { d1: 'applied', d2: 'expired', d3: 'rejected' } as const;

async function fleetOf(t: Parameters<NonNullable<(typeof ledgers)[string]>>[0]) {
  const open = ledgers['the ledger in the simulated store'];
  if (open === undefined) throw new Error('there is no such ledger');
  const { ledger } = await open(t);
  for (const device of ['d1', 'd2', 'd3'] as const) {
    const { publicKey } = newSigner();
    await ledger.greet({ device, epoch: 1, publicKey, atMs: 1 });
    const value = device === 'd3' ? 'bergen' : 'oslo';
    await ledger.tag({ device, tags: [{ name: 'site', value }] });
  }
  const clock = { nowMs: () => NOW_MS };
  return { ledger, fleet: createFleet({ sha256, ledger, clock, webhooks: noWebhooks }) };
}

for (const kind of commandKinds) {
  test(`${kind} goes to a device, a tag or all, and says what came of it`, async (t) => {
    const { ledger, fleet } = await fleetOf(t);
    const content = contents[kind];
    const issuer = { newId: () => 'none', actor: 'user:ola' };
    for (const [index, { to }] of targets.entries()) {
      const body = { id: `c-${index}`, kind, to, expiresAt, ...content };
      const { devices } = await fleet.issue(readIssueBody(body, issuer));
      t.like(devices, { issued: index + 1, waiting: index + 1 }, `to ${JSON.stringify(to)}`);
    }

    const { payload, ...named } = { payload: undefined, ...content };
    for (const device of ['d1', 'd2', 'd3'] as const) {
      const commands = await ledger.commands({ device, after: 0, limit: 9 });
      const meant = targets.flatMap(({ devices }, index) =>
        devices.some((each) => each === device) ? [`c-${index}`] : [],
      );
      t.deepEqual(
        commands.map(({ key }) => key),
        meant,
      );
      for (const command of commands) {
        t.like(command, { kind, expiresAtMs: Date.parse(expiresAt), ...named });
        const isEmpty = command.payload.byteLength === 0;
        t.deepEqual(isEmpty ? undefined : decodeValue(command.payload), payload);
      }
      const outcome = outcomes[device];
      const receipts = commands.map(({ number, key }) => {
        return { kind: 'command.receipt', command: number, outcome, reason: outcome, key } as const;
      });
      const journal = new HandJournal(device).append('urgent', ...receipts);
      await ledger.ingest(journal.ingest('urgent', 1, receipts.length));
    }

    const all = await fleet.command('c-2');
    t.deepEqual(all.devices, { issued: 3, waiting: 0, applied: 1, expired: 1, rejected: 1 });
    t.like((await fleet.commandDevices({ id: 'c-1', limit: 9 })).devices, [
      { device: 'd1', outcome: 'applied' },
      { device: 'd2', outcome: 'expired', reason: 'expired' },
    ]);
  });
}
