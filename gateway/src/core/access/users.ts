import { HoldfastError, type StoreOp } from '@holdfast/protocol';
import { rfc3339 } from '../entry-view.ts';
import type { AccessPorts } from './access-ports.ts';
import { accessKey, accessName, sessionRow, userRow, type UserRow } from './access-rows.ts';
import type { UserChange, UserView } from './access-views.ts';
import type { Role } from './roles.ts';

const USERS_MAX = 10_000;
const SESSIONS_READ_MAX = 100_000;
const PASSWORD_LENGTH_MIN = 12;
const PASSWORD_LENGTH_MAX = 256;

/** People who may log in. */
export class Users {
  readonly #ports: AccessPorts;

  constructor(ports: AccessPorts) {
    this.#ports = ports;
  }

  get(name: string): Promise<UserRow | undefined> {
    if (!accessName.test(name)) return Promise.resolve(undefined);
    return this.#ports.book.get(accessKey('user', name), userRow);
  }

  all(): Promise<readonly UserRow[]> {
    return this.#ports.book.list('user', userRow, USERS_MAX);
  }

  async add(
    user: { readonly name: string; readonly role: Role; readonly password: string },
    by: string,
  ): Promise<UserRow> {
    const { name, role } = user;
    checkAccessName('user', name);
    const password = await this.#ports.passwords.hash(checkPassword(user.password));
    const { book, clock } = this.#ports;
    return book.change(async () => {
      if ((await this.get(name)) !== undefined)
        throw new HoldfastError('HF_USER_THERE', { why: name });
      const nowMs = clock.nowMs();
      const row = { name, role, password, createdAtMs: nowMs, createdBy: by, changedAtMs: nowMs };
      return { ops: [putUser(row)], value: row };
    });
  }

  /** With a new password, all sessions of the user end. */
  async change(name: string, { role, password }: UserChange): Promise<UserRow> {
    const { book, clock, passwords } = this.#ports;
    // Before the work that a password takes.
    await this.#need(name);
    const hash = password === undefined ? undefined : await passwords.hash(checkPassword(password));
    return book.change(async () => {
      const known = await this.#need(name);
      const next = { role: role ?? known.role, password: hash ?? known.password };
      const row = { ...known, ...next, changedAtMs: clock.nowMs() };
      const ended = hash === undefined ? [] : await this.#sessionsOf(name);
      return { ops: [putUser(row), ...ended], value: row };
    });
  }

  remove(name: string): Promise<UserRow> {
    return this.#ports.book.change(async () => {
      const known = await this.#need(name);
      const ended = await this.#sessionsOf(name);
      return { ops: [{ kind: 'delete', key: accessKey('user', name) }, ...ended], value: known };
    });
  }

  async #need(name: string): Promise<UserRow> {
    const known = await this.get(name);
    if (known !== undefined) return known;
    throw new HoldfastError('HF_USER_UNKNOWN', { why: JSON.stringify(name.slice(0, 64)) });
  }

  async #sessionsOf(name: string): Promise<readonly StoreOp[]> {
    const rows = await this.#ports.book.scan('session', SESSIONS_READ_MAX);
    return rows
      .filter(({ value }) => sessionRow.decode(value).user === name)
      .map(({ key }) => ({ kind: 'delete', key }));
  }
}

function putUser(row: UserRow): StoreOp {
  return { kind: 'put', key: accessKey('user', row.name), value: userRow.encode(row) };
}

/** @throws HF_NAME_INVALID */
export function checkAccessName(what: string, name: string): void {
  if (accessName.test(name)) return;
  const why = `the name of a ${what} has 1 to 64 letters, digits, or . _ @ - behind the first one`;
  throw new HoldfastError('HF_NAME_INVALID', { why });
}

/** Equal for all ways to type it. @throws HF_PASSWORD_INVALID */
export function checkPassword(password: string): string {
  const normal = password.normalize('NFKC');
  const { length } = normal;
  if (length >= PASSWORD_LENGTH_MIN && length <= PASSWORD_LENGTH_MAX) return normal;
  const why = `it has ${length} characters, not ${PASSWORD_LENGTH_MIN} to ${PASSWORD_LENGTH_MAX}`;
  throw new HoldfastError('HF_PASSWORD_INVALID', { why });
}

export function userView(row: UserRow): UserView {
  const { name, role, createdBy, createdAtMs, changedAtMs } = row;
  const times = { createdAt: rfc3339(createdAtMs), changedAt: rfc3339(changedAtMs) };
  return { name, role, createdBy, ...times };
}
