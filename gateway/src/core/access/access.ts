import { HoldfastError, equalBytes, hex, unhex } from '@holdfast/protocol';
import type { AccessBook } from './access-book.ts';
import type { AccessPorts } from './access-ports.ts';
import { ApiTokens } from './api-tokens.ts';
import { AuditLog } from './audit-log.ts';
import { Enrolments } from './enrolments.ts';
import { LoginSessions } from './login-sessions.ts';
import type { Actor } from './roles.ts';
import { Users } from './users.ts';

const LOCAL_SECRET_BYTES = 32;

/** Who may use the gateway, and what they did. */
export class Access {
  readonly users: Users;
  readonly tokens: ApiTokens;
  readonly sessions: LoginSessions;
  readonly enrolments: Enrolments;
  readonly audit: AuditLog;
  /** Where all of that is kept. */
  readonly book: AccessBook;
  /**
   * Of this life of the gateway. Who may read the file that it is in may read the ledger, too, and
   * the gateway's key.
   */
  readonly localToken: string;
  readonly #ports: AccessPorts;
  readonly #localHash: Uint8Array;

  constructor(ports: AccessPorts) {
    this.#ports = ports;
    this.book = ports.book;
    this.users = new Users(ports);
    this.tokens = new ApiTokens(ports);
    this.sessions = new LoginSessions(ports, this.users);
    this.enrolments = new Enrolments(ports);
    this.audit = new AuditLog(ports.book, ports);
    const secret = ports.randomBytes(LOCAL_SECRET_BYTES);
    this.localToken = `hfl_${hex(secret)}`;
    this.#localHash = ports.sha256(secret);
  }

  /**
   * Who shows this token.
   *
   * @param isLocal Whether it came from this machine: the local token is taken from nowhere else.
   * @throws HF_ACCESS_UNKNOWN
   */
  async bearer(text: string, isLocal: boolean): Promise<Actor> {
    const [, secret] = /^hfl_([0-9a-f]{64})$/.exec(text) ?? [];
    if (secret === undefined) {
      const token = await this.tokens.find(text);
      if (token !== undefined) return { name: `token:${token.name}`, role: token.role };
    } else if (isLocal && equalBytes(this.#ports.sha256(unhex(secret)), this.#localHash)) {
      return { name: 'local', role: 'admin' };
    }
    throw new HoldfastError('HF_ACCESS_UNKNOWN', { why: 'the token is not a valid one' });
  }

  /** Whose session this is. @throws HF_ACCESS_UNKNOWN */
  async session(secret: string): Promise<Actor & { readonly expiresAtMs: number }> {
    const session = await this.sessions.find(secret);
    const user = session && (await this.users.get(session.user));
    if (user === undefined) {
      throw new HoldfastError('HF_ACCESS_UNKNOWN', { why: 'the session is over: log in again' });
    }
    return { name: `user:${user.name}`, role: user.role, expiresAtMs: session?.expiresAtMs ?? 0 };
  }

  close(): Promise<void> {
    return this.book.close();
  }
}
