import { HoldfastError, equalBytes, hex, unhex } from '@holdfast/protocol';
import { rfc3339 } from '../entry-view.ts';
import type { AccessPorts } from './access-ports.ts';
import { accessKey, tokenRow, type TokenRow } from './access-rows.ts';
import type { TokenOrder, TokenView } from './access-views.ts';
import { checkAccessName } from './users.ts';

const TOKENS_MAX = 10_000;
const ID_BYTES = 8;
/** 160 bits: nobody finds it by trying, so a fast hash keeps it. */
const SECRET_BYTES = 20;
const DAY_MS = 86_400_000;
const LIFE_MS_MAX = 3_650 * DAY_MS;

const form = /^hft_([0-9a-f]{16})_([0-9a-f]{40})$/;

/** Tokens of programs: `hft_<id>_<secret>`. Only the hash of the secret is kept. */
export class ApiTokens {
  readonly #ports: AccessPorts;

  constructor(ports: AccessPorts) {
    this.#ports = ports;
  }

  all(): Promise<readonly TokenRow[]> {
    return this.#ports.book.list('token', tokenRow, TOKENS_MAX);
  }

  /** The token that this text is, if it is a valid one now. */
  async find(text: string): Promise<TokenRow | undefined> {
    const [, id, secret] = form.exec(text) ?? [];
    if (id === undefined || secret === undefined) return undefined;
    const { book, sha256, clock } = this.#ports;
    const known = await book.get(accessKey('token', id), tokenRow);
    if (known === undefined || tokenState(known, clock.nowMs()) !== 'valid') return undefined;
    // Where two hashes differ tells nothing of the secret: a comparison may take its time.
    return equalBytes(sha256(unhex(secret)), known.secretHash) ? known : undefined;
  }

  create(
    { name, role, lifeMs }: TokenOrder,
    by: string,
  ): Promise<{ readonly row: TokenRow; readonly token: string }> {
    checkAccessName('token', name);
    if (lifeMs !== null && !(lifeMs > 0 && lifeMs <= LIFE_MS_MAX)) {
      const why = 'a token is valid for up to 3650 days, or until it is revoked';
      throw new HoldfastError('HF_REQUEST_INVALID', { why });
    }
    const { book, clock, sha256, randomBytes } = this.#ports;
    const [id, secret] = [hex(randomBytes(ID_BYTES)), randomBytes(SECRET_BYTES)];
    const nowMs = clock.nowMs();
    const row: TokenRow = {
      ...{ id, name, role, secretHash: sha256(secret), createdAtMs: nowMs, createdBy: by },
      ...{ expiresAtMs: lifeMs === null ? 0 : nowMs + lifeMs, revokedAtMs: 0 },
    };
    const ops = [
      { kind: 'put', key: accessKey('token', id), value: tokenRow.encode(row) },
    ] as const;
    return book.change(() => {
      return Promise.resolve({ ops, value: { row, token: `hft_${id}_${hex(secret)}` } });
    });
  }

  /** Revoking again changes nothing. */
  revoke(id: string): Promise<TokenRow> {
    const { book, clock } = this.#ports;
    return book.change(async () => {
      const isId = /^[0-9a-f]{16}$/.test(id);
      const known = isId ? await book.get(accessKey('token', id), tokenRow) : undefined;
      if (known === undefined) {
        const why = JSON.stringify(id.slice(0, 64));
        throw new HoldfastError('HF_API_TOKEN_UNKNOWN', { why });
      }
      if (known.revokedAtMs > 0) return { ops: [], value: known };
      const row = { ...known, revokedAtMs: clock.nowMs() };
      const put = {
        kind: 'put',
        key: accessKey('token', id),
        value: tokenRow.encode(row),
      } as const;
      return { ops: [put], value: row };
    });
  }
}

export function tokenState(row: TokenRow, nowMs: number): TokenView['state'] {
  if (row.revokedAtMs > 0) return 'revoked';
  return row.expiresAtMs > 0 && row.expiresAtMs <= nowMs ? 'expired' : 'valid';
}

export function tokenView(row: TokenRow, nowMs: number): TokenView {
  const { id, name, role, createdBy, createdAtMs, expiresAtMs, revokedAtMs } = row;
  return {
    ...{ id, name, role, state: tokenState(row, nowMs), createdAt: rfc3339(createdAtMs) },
    ...{ createdBy, expiresAt: rfc3339(expiresAtMs), revokedAt: rfc3339(revokedAtMs) },
  };
}
