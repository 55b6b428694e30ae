import {
  Access,
  AccessBook,
  AttemptLimit,
  AuditLog,
  OwnAccessStore,
  SharedLimit,
  createDesk,
  newAccessRow,
  sha256,
  type AccessPorts,
  type Passwords,
} from '@holdfast/gateway/internal';
import { hex } from '@holdfast/protocol';
import test from 'ava';
import { SimChance } from '../../support/sim-chance.ts';
import { SimStore } from '../../support/sim-store.ts';

const START_MS = Date.parse('2026-03-01T12:00:00Z');
const MINUTE_MS = 60_000;
const PASSWORD = 'correct horse battery';

/** As slow as nothing; that real ones are slow and salted is for another test. */
const passwords: Passwords = {
  hash: (password) => Promise.resolve(`plain$${password}`),
  matches: (password, hash) => Promise.resolve(hash === `plain$${password}`),
};

/** Users and tokens in memory, whose time stands still. */
async function world() {
  let [store, nowMs] = [new SimStore(), START_MS];
  await store.write([{ kind: 'put', ...newAccessRow() }]);
  const chance = new SimChance(1);
  const ports = async (): Promise<AccessPorts> => ({
    ...{ book: new AccessBook(await OwnAccessStore.open(store)), sha256, passwords },
    clock: { nowMs: () => nowMs },
    randomBytes: (length) => chance.bytes(length),
  });
  const access = new Access(await ports());
  return {
    access,
    desk: createDesk(access, { nowMs: () => nowMs }, 'local'),
    pass: (ms: number) => (nowMs += ms),
    ports,
    rows: () => store.scan({ from: Uint8Array.of(0), to: Uint8Array.of(255), limit: 1_000 }),
    /** The process ends without a word, and another one begins. */
    next: async () => {
      store = store.crash();
      return new Access(await ports());
    },
  };
}

test('a token lets in whom it was made for until it expires or is revoked', async (t) => {
  const { access, desk, pass, next } = await world();
  const ci = await desk.createToken({ name: 'ci', role: 'viewer', lifeMs: 10 * MINUTE_MS });
  const ops = await desk.createToken({ name: 'ops', role: 'operator', lifeMs: null });

  t.deepEqual(await access.bearer(ci.token, false), { name: 'token:ci', role: 'viewer' });
  const unknown = { code: 'HF_ACCESS_UNKNOWN' };
  const forged = `${ci.token.slice(0, -1)}${ci.token.endsWith('0') ? '1' : '0'}`;
  for (const wrong of ['', 'hft_', forged, ci.token.slice(0, -1), `${ci.token}0`, 'hfl_00']) {
    await t.throwsAsync(access.bearer(wrong, true), unknown, wrong);
  }
  pass(10 * MINUTE_MS);
  await t.throwsAsync(access.bearer(ci.token, false), unknown);
  const operator = await (await next()).bearer(ops.token, false);
  t.deepEqual(operator, { name: 'token:ops', role: 'operator' });
});

test('a token that is revoked lets nobody in, in this life and the next', async (t) => {
  const { access, desk, next } = await world();
  const { id, token } = await desk.createToken({ name: 'ci', role: 'viewer', lifeMs: null });
  t.like(await desk.revokeToken(id), { state: 'revoked' });
  t.like(await desk.revokeToken(id), { state: 'revoked' }, 'again');

  await t.throwsAsync(desk.revokeToken('0123456789abcdef'), { code: 'HF_API_TOKEN_UNKNOWN' });
  await t.throwsAsync(desk.revokeToken('../..'), { code: 'HF_API_TOKEN_UNKNOWN' });
  const unknown = { code: 'HF_ACCESS_UNKNOWN' };
  await t.throwsAsync(access.bearer(token, true), unknown);
  await t.throwsAsync((await next()).bearer(token, true), unknown);
});

test('the store of users and tokens holds nothing that lets anybody in', async (t) => {
  const { access, desk, rows } = await world();
  const { token } = await desk.createToken({ name: 'ci', role: 'viewer', lifeMs: null });
  await desk.addUser({ name: 'ola', role: 'admin', password: PASSWORD });
  const { secret } = await access.sessions.open({ user: 'ola', password: PASSWORD, from: 'a' });

  const stored = (await rows()).map(({ key, value }) => [key, value]).flat();
  const text = stored.map((bytes) => String.fromCharCode(...bytes)).join();
  const digits = stored.map(hex).join();
  for (const each of [token.slice(-40), secret, access.localToken.slice(4)]) {
    t.false(text.includes(each) || digits.includes(each), each);
  }
});

test('the local token is taken from this machine only, and changes with each life', async (t) => {
  const { access, next } = await world();
  const { localToken } = access;

  t.deepEqual(await access.bearer(localToken, true), { name: 'local', role: 'admin' });
  const unknown = { code: 'HF_ACCESS_UNKNOWN' };
  await t.throwsAsync(access.bearer(localToken, false), unknown);
  await t.throwsAsync((await next()).bearer(localToken, true), unknown);
});

test('a session ends with its time, its user, and a new password', async (t) => {
  const { access, desk, pass } = await world();
  await desk.addUser({ name: 'ola', role: 'operator', password: PASSWORD });
  const login = async (password = PASSWORD) =>
    (await access.sessions.open({ user: 'ola', password, from: 'a' })).secret;
  const over = { code: 'HF_ACCESS_UNKNOWN' };

  const first = await login();
  t.like(await access.session(first), { name: 'user:ola', role: 'operator' });
  await desk.changeUser('ola', { role: 'viewer' });
  t.like(await access.session(first), { role: 'viewer' }, 'a role counts at once');
  await desk.changeUser('ola', { password: `${PASSWORD}!` });
  await t.throwsAsync(access.session(first), over);
  const second = await login(`${PASSWORD}!`);
  pass(12 * 60 * MINUTE_MS);
  await t.throwsAsync(access.session(second), over);
  const third = await login(`${PASSWORD}!`);
  await access.sessions.close(third);
  await t.throwsAsync(access.session(third), over);
  const fourth = await login(`${PASSWORD}!`);
  await desk.removeUser('ola');
  await t.throwsAsync(access.session(fourth), over);
  await t.throwsAsync(login(), over);
});

test('names and passwords that cannot be used are refused, and nothing is changed', async (t) => {
  const { desk } = await world();
  const user = { name: 'ola', role: 'viewer', password: PASSWORD } as const;
  await desk.addUser(user);

  await t.throwsAsync(desk.addUser(user), { code: 'HF_USER_THERE' });
  for (const name of ['', '-ola', 'a b', '../x', 'ö', 'a'.repeat(65)]) {
    await t.throwsAsync(desk.addUser({ ...user, name }), { code: 'HF_NAME_INVALID' }, name);
    const order = { name, role: 'viewer', lifeMs: null } as const;
    await t.throwsAsync(async () => desk.createToken(order), { code: 'HF_NAME_INVALID' }, name);
  }
  for (const password of ['', 'elevenchars', 'x'.repeat(257)]) {
    const change = desk.changeUser('ola', { password });
    await t.throwsAsync(change, { code: 'HF_PASSWORD_INVALID' }, password);
  }
  await t.throwsAsync(desk.removeUser('kari'), { code: 'HF_USER_UNKNOWN' });
  t.deepEqual(
    (await desk.users()).users.map(({ name }) => name),
    ['ola'],
  );
});

test('who guesses a password has to wait, whatever name or address is used', async (t) => {
  const { access, desk, pass } = await world();
  await desk.addUser({ name: 'ola', role: 'viewer', password: PASSWORD });
  const guess = (user: string, from: string, password = 'wrong') =>
    access.sessions.open({ user, password, from });
  const [wrong, limited] = [{ code: 'HF_ACCESS_UNKNOWN' }, { code: 'HF_ACCESS_LIMITED' }];

  // Many names from one address.
  for (let n = 0; n < 10; n += 1) await t.throwsAsync(guess(`user-${n}`, 'one'), wrong);
  const held = await t.throwsAsync(guess('ola', 'one', PASSWORD), limited);
  t.deepEqual(held.message.match(/in (\d+) s/)?.[1], '300');
  // One name from many addresses, two of them at once.
  const both = await Promise.allSettled([guess('ola', 'a'), guess('ola', 'b')]);
  t.deepEqual(
    both.map(({ status }) => status),
    ['rejected', 'rejected'],
  );
  for (let n = 2; n < 20; n += 1) await t.throwsAsync(guess('ola', `from-${n}`), wrong);
  await t.throwsAsync(guess('ola', 'elsewhere', PASSWORD), limited);
  pass(15 * MINUTE_MS);
  t.is((await guess('ola', 'one', PASSWORD)).session.user, 'ola');
});

test('failures are remembered of a bounded number of names', (t) => {
  const limit = new AttemptLimit({ failuresMax: 1, windowMs: MINUTE_MS });
  limit.failed('first', 0);
  t.throws(() => limit.check('first', 1), { code: 'HF_ACCESS_LIMITED' });

  for (let n = 0; n < 10_000; n += 1) limit.failed(`name-${n}`, 1);

  t.notThrows(() => limit.check('first', 1));
  t.throws(() => limit.check('name-1', 1), { code: 'HF_ACCESS_LIMITED' });
});

test('what was tried in vain counts after a restart, and goes once it is over', async (t) => {
  const { pass, ports, rows } = await world();
  const limit = { what: 'test', failuresMax: 1, windowMs: MINUTE_MS };
  const tries = async (from: number, through: number): Promise<void> => {
    const shared = new SharedLimit(await ports(), limit);
    for (let n = from; n <= through; n += 1) await shared.begin(`name-${n}`);
  };
  await tries(1, 300);
  await t.throwsAsync(tries(300, 300), { code: 'HF_ACCESS_LIMITED' });
  pass(MINUTE_MS);

  await tries(300, 310);

  t.is((await rows()).length, 1 + 11);
});

test('a change is in the audit log before it is made, and then what came of it', async (t) => {
  const { access, pass, next } = await world();
  const subject = { who: 'user:ola', from: '10.0.0.9', action: 'device.rekey', target: 'pump-1' };
  const seen: string[] = [];
  await access.audit.record(subject, async () => {
    const { records } = await access.audit.page({ limit: 1 });
    seen.push(records[0]?.outcome ?? 'none');
    pass(5);
  });
  pass(1);
  const failing = access.audit.record({ ...subject, target: 'pump-2' }, async () => {
    await access.users.remove('nobody');
  });
  await t.throwsAsync(failing, { code: 'HF_USER_UNKNOWN' });
  pass(1);
  await access.audit.denied({ ...subject, target: 'pump-3' });
  pass(1);
  // The process dies in the middle.
  await new Promise<void>((begun) => {
    void access.audit.record({ ...subject, target: 'pump-4' }, () => {
      begun();
      return new Promise(() => {});
    });
  });

  const { records } = await (await next()).audit.page({ limit: 9 });

  t.deepEqual(seen, ['begun']);
  t.deepEqual(
    records.map(({ target, outcome, code }) => [target, outcome, code]),
    [
      ['pump-4', 'begun', null],
      ['pump-3', 'denied', 'HF_ACCESS_DENIED'],
      ['pump-2', 'failed', 'HF_USER_UNKNOWN'],
      ['pump-1', 'done', null],
    ],
  );
  t.like(records[3], {
    ...{ who: 'user:ola', from: '10.0.0.9', at: '2026-03-01T12:00:00.000Z' },
    endedAt: '2026-03-01T12:00:00.005Z',
  });
});

test('the audit log is read page by page, and its oldest go when it is full', async (t) => {
  const { pass, ports } = await world();
  const own = await ports();
  const audit = new AuditLog(own.book, own, { recordsMax: 10, lookEvery: 4 });
  for (let n = 1; n <= 17; n += 1) {
    const subject = { who: 'local', from: '', action: 'user.rm', target: `u-${n}` };
    await audit.record(subject, () => Promise.resolve(pass(1)));
  }

  const targets: string[] = [];
  let before: string | undefined;
  do {
    const page = await audit.page({ limit: 3, before });
    targets.push(...page.records.map(({ target }) => target));
    before = page.next ?? undefined;
  } while (before !== undefined);

  // Looked at before the 13th and the 17th: then there were 12, and 14.
  t.deepEqual(targets, ['u-17', ...Array.from({ length: 10 }, (_, n) => `u-${16 - n}`)]);
  await t.throwsAsync(audit.page({ limit: 1, before: 'zz' }), { code: 'HF_REQUEST_INVALID' });
  await t.throwsAsync(audit.page({ limit: 1, before: '00' }), { code: 'HF_REQUEST_INVALID' });
});

test('a store of a newer version or of another program is refused untouched', async (t) => {
  const store = new SimStore();
  await t.throwsAsync(OwnAccessStore.open(store), { code: 'HF_STORE_FORMAT' });
  t.is(store.writes, 0);
});
