import { randomBytes } from 'node:crypto';
import {
  AccessBook,
  OwnAccessStore,
  newAccessRow,
  sha256,
  type PairingApproval,
  type Pairings,
} from '@holdfast/gateway/internal';
import { equalBytes, hex, pairStatement, pairingCommitment, words } from '@holdfast/protocol';
import test, { type ExecutionContext } from 'ava';
import { ask as askBoth, newSigner, pairingAt } from '../../support/pairing.ts';
import { SimStore } from '../../support/sim-store.ts';

async function open(t: ExecutionContext) {
  const store = new SimStore();
  await store.write([{ kind: 'put', ...newAccessRow() }]);
  const book = new AccessBook(await OwnAccessStore.open(store));
  const clock = { at: 1_000, nowMs: () => clock.at };
  const shared = { book, clock };
  const { ledger, desks } = await pairingAt(t, [shared, shared]);
  return { pairings: desks[0], ledger, clock };
}

const ask = (at: Pairings, { device = 'pump-1', from = '192.0.2.1' } = {}) =>
  askBoth(at, at, device, from);

const decision = (shown: { code: string; words: string }): PairingApproval => {
  return { code: shown.code, words: shown.words, replaces: false, tags: { site: 'oslo' } };
};

test('a device is let in by the code and the words that it shows', async (t) => {
  const { pairings, ledger } = await open(t);
  const shown = await ask(pairings);
  t.regex(shown.code, /^[2-9A-HJ-NP-TV-Z]{4}-[2-9A-HJ-NP-TV-Z]{2}$/);
  t.is(shown.words.split(' ').length, 3);
  t.is(await pairings.outcome(shown.id), undefined);
  t.like((await pairings.list())[0], { code: shown.code, device: 'pump-1', replaces: false });

  const typed = { code: shown.code.toLowerCase().replace('-', ' '), words: ` ${shown.words} ` };
  t.like(await pairings.approve(decision(typed), 'user:ola'), { approved: true, device: 'pump-1' });

  t.like(await pairings.outcome(shown.id), { device: 'pump-1', certificate: 'PEM' });
  t.like(await pairings.outcome(shown.id), { device: 'pump-1' }, 'the answer was lost');
  const record = await ledger.device('pump-1');
  t.true(record !== undefined && equalBytes(record.publicKey, shown.deviceKey));
  t.deepEqual(record?.tags, [{ name: 'site', value: 'oslo' }]);
  t.deepEqual(await pairings.list(), []);
});

test('who stands between a device and the gateway has other words, and gets nowhere', async (t) => {
  const { pairings, ledger } = await open(t);
  const between = await open(t);
  // The device asks the one between, who asks the gateway with a key of its own.
  const device = await ask(between.pairings);
  const forged = await ask(pairings);
  t.not(device.words, forged.words);

  const seen = { code: forged.code, words: device.words };
  for (let tries = 1; tries <= 3; tries += 1) {
    const refused = { code: 'HF_PAIRING_REFUSED', message: /stands between/ } as const;
    await t.throwsAsync(pairings.approve(decision(seen), 'user:ola'), refused);
  }
  const late = pairings.approve(decision(forged), 'user:ola');
  await t.throwsAsync(late, { code: 'HF_PAIRING_UNKNOWN' }, 'it has to begin again');
  await t.throwsAsync(pairings.outcome(forged.id), { code: 'HF_PAIRING_REFUSED' });
  t.is(await ledger.device('pump-1'), undefined);
});

test('nobody chooses the words: each side is bound before it knows the other', async (t) => {
  const { pairings } = await open(t);
  const [signer, nonce] = [newSigner(), randomBytes(16)];
  const { publicKey: deviceKey } = signer;
  const commitment = pairingCommitment(sha256, { deviceKey, deviceNonce: nonce });
  const signature = hex(signer.sign(pairStatement('pump-1', commitment)));
  const request = { device: 'pump-1', from: '192.0.2.1', publicKey: hex(deviceKey), signature };
  const begun = await pairings.begin({ ...request, commitment: hex(commitment) });

  const other = pairings.reveal(begun.id, hex(randomBytes(16)));
  await t.throwsAsync(other, { code: 'HF_PAIRING_REFUSED' });
  const again = pairings.reveal(begun.id, hex(nonce));
  await t.throwsAsync(again, { code: 'HF_PAIRING_UNKNOWN' });
  const unsigned = { ...request, commitment: hex(randomBytes(32)) };
  await t.throwsAsync(pairings.begin(unsigned), { code: 'HF_PAIRING_REFUSED' });
});

test('codes are not guessed, expire, and are few', async (t) => {
  const { pairings, clock } = await open(t);
  const shown = await ask(pairings);
  const guess = (code: string) => pairings.approve(decision({ ...shown, code }), 'user:eve');
  for (let tries = 0; tries < 20; tries += 1) {
    await t.throwsAsync(guess(`AAAA-${tries}`), { code: 'HF_PAIRING_UNKNOWN' });
  }
  await t.throwsAsync(guess(shown.code), { code: 'HF_ACCESS_LIMITED' });
  t.is((await pairings.list()).length, 1);
  clock.at += 10 * 60_000;
  const late = pairings.approve(decision(shown), 'user:ola');
  await t.throwsAsync(late, { code: 'HF_PAIRING_UNKNOWN' });
  await t.throwsAsync(pairings.outcome(shown.id), { code: 'HF_PAIRING_UNKNOWN' });

  for (let count = 0; count < 10; count += 1) await ask(pairings);
  await t.throwsAsync(ask(pairings), { code: 'HF_ACCESS_LIMITED' }, 'from one address');
  for (let count = 10; count < 100; count += 1) {
    await ask(pairings, { from: `192.0.2.${count}` });
  }
  const crowd = ask(pairings, { from: '192.0.3.1' });
  await t.throwsAsync(crowd, { code: 'HF_PAIRING_REFUSED', message: /too many/ });
});

test('a device that is known by another key takes a word more, and can be denied', async (t) => {
  const { pairings, ledger } = await open(t);
  const publicKey = newSigner().publicKey;
  await ledger.greet({ device: 'pump-1', epoch: 1, publicKey, atMs: 1 });
  const shown = await ask(pairings);
  t.true((await pairings.list())[0]?.replaces);
  const plainly = pairings.approve(decision(shown), 'user:ola');
  await t.throwsAsync(plainly, { code: 'HF_ENROLL_REFUSED' });

  await pairings.approve({ ...decision(shown), replaces: true }, 'user:ola');
  t.not((await ledger.device('pump-1'))?.awaitedKey, '');
  const other = await ask(pairings, { device: 'pump-2' });
  t.false((await pairings.deny(other.code, 'user:ola')).approved);
  await t.throwsAsync(pairings.outcome(other.id), { code: 'HF_PAIRING_REFUSED' });
});

test('there are as many words as a byte has values, and no two alike', (t) => {
  t.is(new Set(words).size, 256);
  for (const word of words) t.regex(word, /^[a-z]{3,7}$/);
});
