import { HoldfastError, hex, unhex, type StoreOp } from '@holdfast/protocol';
import type { AccessPorts } from './access-ports.ts';
import { accessKey, sessionRow, type SessionRow } from './access-rows.ts';
import { SharedLimit } from './shared-limit.ts';
import type { Users } from './users.ts';

/** A working day. */
export const SESSION_MS_MAX = 12 * 60 * 60_000;
const SESSIONS_MAX = 1_000;
const SECRET_BYTES = 32;

/** Somebody who mistypes needs a few; who guesses gets as many. */
const perAddress = { what: 'login from', failuresMax: 10, windowMs: 5 * 60_000 };
/** From wherever they come. Sessions that are open, and tokens, are not held up by it. */
const perUser = { what: 'login as', failuresMax: 20, windowMs: 15 * 60_000 };

export interface Login {
  readonly user: string;
  readonly password: string;
  /** Network address it came from. */
  readonly from: string;
}

/** Sessions of people in browsers. Their secret is in a cookie; only its hash is kept. */
export class LoginSessions {
  readonly #ports: AccessPorts;
  readonly #users: Users;
  readonly #ofAddress: SharedLimit;
  readonly #ofUser: SharedLimit;

  constructor(ports: AccessPorts, users: Users) {
    this.#ports = ports;
    this.#users = users;
    this.#ofAddress = new SharedLimit(ports, perAddress);
    this.#ofUser = new SharedLimit(ports, perUser);
  }

  /**
   * @returns The secret of a new session.
   * @throws HF_ACCESS_UNKNOWN for a wrong name or password, without saying which, and
   *   HF_ACCESS_LIMITED.
   */
  async open({ user, password, from }: Login): Promise<{ secret: string; session: SessionRow }> {
    const { passwords } = this.#ports;
    // Who has to wait as a user does not use up what the address has.
    await this.#ofUser.check(user);
    await this.#ofAddress.begin(from);
    await this.#ofUser.begin(user);
    const known = await this.#users.get(user);
    if (!(await passwords.matches(password.normalize('NFKC'), known?.password))) {
      throw new HoldfastError('HF_ACCESS_UNKNOWN', { why: 'the name or the password is wrong' });
    }
    await this.#ofAddress.succeeded(from);
    await this.#ofUser.succeeded(user);
    return this.#begin(user);
  }

  /** The session with this secret, if it is not over, and its user is still there. */
  async find(secret: string): Promise<SessionRow | undefined> {
    const key = this.#keyOf(secret);
    const found = key && (await this.#ports.book.get(key, sessionRow));
    return found !== undefined && found.expiresAtMs > this.#ports.clock.nowMs() ? found : undefined;
  }

  /** Ends a session; one that is over already changes nothing. */
  close(secret: string): Promise<void> {
    const key = this.#keyOf(secret);
    const ops: StoreOp[] = key === undefined ? [] : [{ kind: 'delete', key }];
    return this.#ports.book.change(() => Promise.resolve({ ops, value: undefined }));
  }

  #begin(user: string): Promise<{ secret: string; session: SessionRow }> {
    const { book, clock, randomBytes } = this.#ports;
    const secret = hex(randomBytes(SECRET_BYTES));
    const nowMs = clock.nowMs();
    const session = { user, createdAtMs: nowMs, expiresAtMs: nowMs + SESSION_MS_MAX };
    return book.change(async () => {
      const key = this.#keyOf(secret);
      if (key === undefined) throw new HoldfastError('HF_INTERNAL', { why: 'no secret was made' });
      const put = { kind: 'put', key, value: sessionRow.encode(session) } as const;
      return { ops: [...(await this.#surplus(nowMs)), put], value: { secret, session } };
    });
  }

  /** Sessions that are over and, where there are too many, the oldest. */
  async #surplus(nowMs: number): Promise<readonly StoreOp[]> {
    const rows = await this.#ports.book.scan('session', 2 * SESSIONS_MAX);
    const open = rows
      .map(({ key, value }) => ({ key, ...sessionRow.decode(value) }))
      .toSorted((a, b) => b.createdAtMs - a.createdAtMs);
    const isOver = (expiresAtMs: number, index: number): boolean =>
      expiresAtMs <= nowMs || index >= SESSIONS_MAX - 1;
    return open
      .filter(({ expiresAtMs }, index) => isOver(expiresAtMs, index))
      .map(({ key }) => ({ kind: 'delete', key }));
  }

  #keyOf(secret: string): Uint8Array | undefined {
    if (!/^[0-9a-f]{64}$/.test(secret)) return undefined;
    return accessKey('session', this.#ports.sha256(unhex(secret)));
  }
}
