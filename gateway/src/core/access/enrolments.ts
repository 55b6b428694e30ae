import { HoldfastError, equalBytes, hex, unhex } from '@holdfast/protocol';
import { rfc3339 } from '../entry-view.ts';
import { tagsOf, tagsView } from '../fleet-commands.ts';
import type { AccessPorts } from './access-ports.ts';
import { accessKey, enrolRow, type EnrolRow } from './access-rows.ts';
import type { EnrolmentOrder, EnrolmentView } from './access-views.ts';

const TOKENS_MAX = 10_000;
const ID_BYTES = 8;
const SECRET_BYTES = 20;

const form = /^([0-9a-f]{16})_([0-9a-f]{40})$/;

/** Tokens that enrol devices, each a bounded number of them. Only hashes of secrets are kept. */
export class Enrolments {
  readonly #ports: AccessPorts;

  constructor(ports: AccessPorts) {
    this.#ports = ports;
  }

  all(): Promise<readonly EnrolRow[]> {
    return this.#ports.book.list('enrol', enrolRow, TOKENS_MAX);
  }

  create(
    { device, uses, lifeMs, tags }: EnrolmentOrder,
    by: string,
  ): Promise<{ readonly row: EnrolRow; readonly secret: string }> {
    const { book, clock, sha256, randomBytes } = this.#ports;
    const [id, secret] = [hex(randomBytes(ID_BYTES)), randomBytes(SECRET_BYTES)];
    const nowMs = clock.nowMs();
    const row: EnrolRow = {
      ...{ id, secretHash: sha256(secret), device: device ?? '', uses, used: [] },
      ...{ tags: tagsOf(tags), createdAtMs: nowMs, createdBy: by },
      ...{ expiresAtMs: nowMs + lifeMs, revokedAtMs: 0 },
    };
    const ops = [
      { kind: 'put', key: accessKey('enrol', id), value: enrolRow.encode(row) },
    ] as const;
    return book.change(() =>
      Promise.resolve({ ops, value: { row, secret: `${id}_${hex(secret)}` } }),
    );
  }

  revoke(id: string): Promise<EnrolRow> {
    const { book, clock } = this.#ports;
    return book.change(async () => {
      const isId = /^[0-9a-f]{16}$/.test(id);
      const known = isId ? await book.get(accessKey('enrol', id), enrolRow) : undefined;
      if (known === undefined)
        throw new HoldfastError('HF_API_TOKEN_UNKNOWN', { why: id.slice(0, 64) });
      const row = { ...known, revokedAtMs: known.revokedAtMs || clock.nowMs() };
      const key = accessKey('enrol', id);
      return { ops: [{ kind: 'put', key, value: enrolRow.encode(row) }], value: row };
    });
  }

  /** The token with this secret, unless it is over. @throws HF_ENROLL_REFUSED */
  async find(secret: string): Promise<EnrolRow> {
    const [, id, part] = form.exec(secret) ?? [];
    const { book, sha256, clock } = this.#ports;
    const known = id === undefined ? undefined : await book.get(accessKey('enrol', id), enrolRow);
    const isOurs = known !== undefined && equalBytes(sha256(unhex(part ?? '')), known.secretHash);
    if (!isOurs) throw refuse('the token is not one of this gateway');
    const state = enrolState(known, clock.nowMs());
    if (state === 'expired' || state === 'revoked') throw refuse(`the token is ${state}`);
    return known;
  }

  /**
   * Counts a device, unless it was counted before: what had no answer is asked again.
   *
   * @throws HF_ENROLL_REFUSED once it has enrolled as many as it may.
   */
  take(id: string, who: string): Promise<void> {
    const { book } = this.#ports;
    return book.change(async () => {
      const key = accessKey('enrol', id);
      const known = await book.get(key, enrolRow);
      if (known === undefined) throw refuse('the token is not one of this gateway');
      if (known.used.includes(who)) return { ops: [], value: undefined };
      if (known.used.length >= known.uses) throw refuse('the token was used');
      const row = { ...known, used: [...known.used, who] };
      return { ops: [{ kind: 'put', key, value: enrolRow.encode(row) }], value: undefined };
    });
  }
}

function refuse(why: string): HoldfastError {
  return new HoldfastError('HF_ENROLL_REFUSED', { why });
}

function enrolState(row: EnrolRow, nowMs: number): EnrolmentView['state'] {
  if (row.revokedAtMs > 0) return 'revoked';
  if (row.expiresAtMs <= nowMs) return 'expired';
  return row.used.length < row.uses ? 'valid' : 'used';
}

export function enrolmentView(row: EnrolRow, nowMs: number): EnrolmentView {
  const { id, device, uses, used, tags, createdBy, createdAtMs, expiresAtMs } = row;
  return {
    ...{ id, device: device === '' ? null : device, uses, tags: tagsView(tags) },
    enrolled: used.map((each) => each.slice(0, each.lastIndexOf('/'))),
    ...{ state: enrolState(row, nowMs), createdAt: rfc3339(createdAtMs), createdBy },
    expiresAt: rfc3339(expiresAtMs),
  };
}
