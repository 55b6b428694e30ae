import { join } from 'node:path';
import {
  Access,
  AccessBook,
  OwnAccessStore,
  SharedLimit,
  createDesk,
  newAccessRow,
  openAccessStore,
  openPostgresLedger,
  sha256,
  systemClock,
  type AccessStore,
  type Passwords,
} from '@holdfast/gateway/internal';
import { HoldfastError, codeOf } from '@holdfast/protocol';
import test, { type ExecutionContext } from 'ava';
import { sharedPostgres, skippedLedgers } from '../support/ledgers.ts';
import { pairingAt } from '../support/pairing.ts';
import { SimChance } from '../support/sim-chance.ts';
import { SimStore } from '../support/sim-store.ts';
import { tempDir } from '../support/temp-dir.ts';

/** The stores of two gateways that have the same users. */
type Open = (t: ExecutionContext) => Promise<readonly [AccessStore, AccessStore]>;

/** A store with one owner: both are that one. */
function both(t: ExecutionContext, store: AccessStore): readonly [AccessStore, AccessStore] {
  t.teardown(() => store.close());
  return [store, store];
}

async function connect(t: ExecutionContext, url: URL) {
  const log = { error: () => {}, info: () => {}, debug: () => {} };
  const options = { address: url.href, sha256, log, clock: systemClock, isNew: true };
  const opened = await openPostgresLedger(options);
  t.teardown(async () => {
    await opened.access.close();
    await opened.ledger.close();
  });
  return opened;
}

const stores: Readonly<Record<string, Open>> = {
  async 'users in the simulated store'(t) {
    const store = new SimStore();
    await store.write([{ kind: 'put', ...newAccessRow() }]);
    return both(t, await OwnAccessStore.open(store));
  },
  async 'users in LevelDB'(t) {
    return both(t, await openAccessStore(join(await tempDir(t), 'access')));
  },
  ...(skippedLedgers === '' && {
    async 'users in PostgreSQL'(t: ExecutionContext) {
      const url = await (await sharedPostgres()).empty();
      const first = await connect(t, url);
      return [first.access, (await connect(t, url)).access] as const;
    },
  }),
};

/** As slow as nothing. */
const passwords: Passwords = {
  hash: (password) => Promise.resolve(`plain$${password}`),
  matches: (password, hash) => Promise.resolve(hash === `plain$${password}`),
};

let seed = 0;

function gatewayOn(store: AccessStore) {
  const chance = new SimChance((seed += 1));
  const randomBytes = (length: number) => chance.bytes(length);
  const ports = { book: new AccessBook(store), clock: systemClock, sha256, passwords, randomBytes };
  const access = new Access(ports);
  return { access, ports, desk: createDesk(access, systemClock, 'local') };
}

const unknown = { code: 'HF_ACCESS_UNKNOWN' };

if (skippedLedgers !== '') {
  test.skip(`the contract of users and tokens, in PostgreSQL (${skippedLedgers})`, () => {});
}

for (const [name, open] of Object.entries(stores)) {
  const gateways = async (t: ExecutionContext) => {
    const [first, second] = await open(t);
    return [gatewayOn(first), gatewayOn(second)] as const;
  };

  test(`${name}: a token of one gateway counts at both until either revokes it`, async (t) => {
    const [here, there] = await gateways(t);
    const { id, token } = await here.desk.createToken({ name: 'ci', role: 'viewer', lifeMs: null });

    t.deepEqual(await there.access.bearer(token, false), { name: 'token:ci', role: 'viewer' });
    t.like((await there.desk.tokens()).tokens[0], { id, state: 'valid' });
    await there.desk.revokeToken(id);
    await t.throwsAsync(here.access.bearer(token, false), unknown);
    await t.throwsAsync(there.access.bearer(token, false), unknown);
  });

  test(`${name}: a session counts at both, and ends with the password`, async (t) => {
    const [here, there] = await gateways(t);
    const password = 'correct horse battery';
    const ola = { name: 'ola', role: 'operator' as const, password };
    await here.desk.addUser(ola);
    const logIn = (at: typeof here) =>
      at.access.sessions.open({ user: 'ola', password, from: '10.0.0.1' });
    const [{ secret }, { secret: other }] = [await logIn(here), await logIn(there)];

    t.like(await there.access.session(secret), { name: 'user:ola', role: 'operator' });
    await there.desk.changeUser('ola', { role: 'viewer' });
    t.like(await here.access.session(secret), { role: 'viewer' });
    await there.desk.changeUser('ola', { password: 'another horse battery' });
    for (const each of [secret, other]) await t.throwsAsync(here.access.session(each), unknown);
    await here.desk.removeUser('ola');
    t.deepEqual((await there.desk.users()).users, []);
  });

  test(`${name}: what both change at once is changed by one after the other`, async (t) => {
    const [here, there] = await gateways(t);
    const { row } = await here.access.enrolments.create(
      { device: null, uses: 3, lifeMs: 60_000, tags: {} },
      'local',
    );
    const takes = Array.from({ length: 8 }, (_, n) =>
      (n % 2 === 0 ? here : there).access.enrolments.take(row.id, `pump-${n}/key`).then(
        () => 'in',
        (error: unknown) => codeOf(error),
      ),
    );
    const outcomes = await Promise.all(takes);
    const added = await Promise.all(
      [here, there].map(({ desk }) =>
        desk.addUser({ name: 'kari', role: 'viewer', password: 'correct horse battery' }).then(
          () => 'in',
          (error: unknown) => codeOf(error),
        ),
      ),
    );

    t.is(outcomes.filter((each) => each === 'in').length, 3);
    t.is(outcomes.filter((each) => each === 'HF_ENROLL_REFUSED').length, 5);
    t.is((await there.desk.enrolments()).enrolments[0]?.enrolled.length, 3);
    t.is(added.filter((each) => each === 'in').length, 1);
    t.true(added.includes('HF_USER_THERE'));
  });

  test(`${name}: one audit log has what was done at both, in order`, async (t) => {
    const [here, there] = await gateways(t);
    const note = (at: typeof here, target: string, work = () => Promise.resolve()) =>
      at.access.audit.record({ who: 'local', from: '', action: 'user.rm', target }, work);
    await note(here, 'a');
    await note(there, 'b');
    const failure = new HoldfastError('HF_USER_UNKNOWN', { why: 'c' });
    await t.throwsAsync(note(here, 'c', () => Promise.reject(failure)));

    const first = await there.desk.audit({ limit: 2 });
    const rest = await here.desk.audit({ limit: 2, before: first.next ?? '' });
    t.deepEqual(
      [...first.records, ...rest.records].map(({ target, outcome }) => [target, outcome]),
      [
        ['c', 'failed'],
        ['b', 'done'],
        ['a', 'done'],
      ],
    );
    t.is(rest.next, null);
  });

  test(`${name}: who guesses at both is bounded as at one, whichever is asked`, async (t) => {
    const [here, there] = await gateways(t);
    const password = 'correct horse battery';
    await here.desk.addUser({ name: 'ola', role: 'viewer', password });
    const guess = (n: number, from: string, tried = 'wrong') =>
      (n % 2 === 0 ? here : there).access.sessions
        .open({ user: 'ola', password: tried, from })
        .then(() => 'in', codeOf);
    const tried = await Promise.all(Array.from({ length: 14 }, (_, n) => guess(n, '10.0.0.9')));

    t.is(tried.filter((each) => each === 'HF_ACCESS_UNKNOWN').length, 10, 'of an address');
    t.is(tried.filter((each) => each === 'HF_ACCESS_LIMITED').length, 4);
    const more = Array.from({ length: 12 }, (_, n) => guess(n, `10.0.1.${n}`));
    const others = await Promise.all(more);
    t.is(others.filter((each) => each === 'HF_ACCESS_UNKNOWN').length, 10, 'of a name');
    t.is(await guess(0, '10.0.2.1', password), 'HF_ACCESS_LIMITED');
    const limit = { what: 'test', failuresMax: 1, windowMs: 60_000 };
    const [one, other] = [here, there].map(({ ports }) => new SharedLimit(ports, limit));
    await one?.begin('name');
    await t.throwsAsync(async () => other?.begin('name'), { code: 'HF_ACCESS_LIMITED' });
    await other?.succeeded('name');
    await t.notThrowsAsync(async () => one?.begin('name'));
  });

  test(`${name}: a device that asks one gateway is let in at the other`, async (t) => {
    const [here, there] = await gateways(t);
    const { ask, desks } = await pairingAt(t, [here.ports, there.ports]);
    const [first, second] = desks;
    const shown = await ask(first, second);
    t.like((await second.list())[0], { code: shown.code, device: 'pump-1' });

    const wrong = { ...shown, words: 'not these words', replaces: false, tags: {} };
    await t.throwsAsync(first.approve(wrong, 'ola'), { code: 'HF_PAIRING_REFUSED' });
    const right = { code: shown.code, words: shown.words, replaces: false, tags: {} };
    t.like(await second.approve(right, 'ola'), { device: 'pump-1', approved: true });
    t.like(await first.outcome(shown.id), { device: 'pump-1' });
    t.like(await second.outcome(shown.id), { device: 'pump-1' }, 'whichever is asked');

    // Three wrong words end it, wherever they were said.
    const other = await ask(second, first, 'pump-2');
    const guess = { ...wrong, code: other.code };
    for (const desk of [first, second, first]) {
      await t.throwsAsync(desk.approve(guess, 'ola'), { code: 'HF_PAIRING_REFUSED' });
    }
    const late = second.approve({ ...guess, words: other.words }, 'ola');
    await t.throwsAsync(late, { code: 'HF_PAIRING_UNKNOWN' });
    await t.throwsAsync(second.outcome(other.id), { code: 'HF_PAIRING_REFUSED' });
  });

  test(`${name}: work that throws changes nothing, and the next one is done`, async (t) => {
    const [store, other] = await open(t);
    const key = Uint8Array.from('u-x', (char) => char.charCodeAt(0));
    const failure = new HoldfastError('HF_USER_THERE', { why: 'x' });

    await t.throwsAsync(store.change(() => Promise.reject(failure)), { is: failure });
    const put = { kind: 'put', key, value: Uint8Array.of(1) } as const;
    t.is(await store.change(() => Promise.resolve({ ops: [put], value: 7 })), 7);
    t.deepEqual(Array.from((await other.get(key)) ?? []), [1]);
    const gone = { kind: 'delete', key } as const;
    await other.change(() => Promise.resolve({ ops: [gone], value: undefined }));
    t.is(await store.get(key), undefined);
  });
}

const needsDatabase = skippedLedgers === '' ? test : test.skip;
const title = skippedLedgers === '' ? '' : ` (${skippedLedgers})`;

needsDatabase(`a database that is away refuses users as unavailable${title}`, async (t) => {
  const { access } = await connect(t, new URL('postgres://nobody@127.0.0.1:1/none'));

  const failure = await t.throwsAsync(access.get(Uint8Array.of(1)));

  t.is(codeOf(failure), 'HF_LEDGER_UNAVAILABLE');
});
