import { HoldfastError, codeOf, hex, unhex, type Clock, type StoreOp } from '@holdfast/protocol';
import { rfc3339 } from '../entry-view.ts';
import type { AccessBook } from './access-book.ts';
import { accessKey, accessRange, auditKey, auditRow, type AuditRow } from './access-rows.ts';
import type { AuditPageView, AuditQuery, AuditView } from './access-views.ts';

/** Who asks for what. */
export interface AuditSubject {
  readonly who: string;
  /** Address it came from; empty: none. */
  readonly from: string;
  /** Such as `ledger.erase`. */
  readonly action: string;
  /** What it is done to: a device, a user; never a secret. */
  readonly target: string;
}

export interface AuditPorts {
  readonly clock: Pick<Clock, 'nowMs'>;
  readonly randomBytes: (length: number) => Uint8Array;
}

export interface AuditLimits {
  readonly recordsMax: number;
  readonly lookEvery: number;
}

/** Some 20 MB; the oldest go when there are more. */
const RECORDS_MAX = 100_000;
/** Each gateway looks once in so many records of its own whether there are too many. */
const LOOK_EVERY = 1_000;
/** Of those that are too many, at one look. */
const DELETED_MAX = 10_000;
const TARGET_LENGTH_MAX = 256;
const auditLimits: AuditLimits = { recordsMax: RECORDS_MAX, lookEvery: LOOK_EVERY };

/**
 * The audit log: every change that somebody asks for, before it is made, and what came of it. A
 * record is durable before its change begins, so that no change is without one.
 */
export class AuditLog {
  readonly #book: AccessBook;
  readonly #ports: AuditPorts;
  readonly #limits: AuditLimits;
  /** Records that are written before the next look. */
  #untilLook = 0;

  constructor(book: AccessBook, ports: AuditPorts, limits: AuditLimits = auditLimits) {
    this.#book = book;
    this.#ports = ports;
    this.#limits = limits;
  }

  /** Does the work, between a record that it is asked for and what came of it. */
  async record<T>(subject: AuditSubject, work: () => Promise<T>): Promise<T> {
    const { key, row } = this.#newRecord(subject);
    await this.#write(key, row);
    try {
      const value = await work();
      await this.#end(key, { ...row, outcome: 'done' });
      return value;
    } catch (error) {
      await this.#end(key, { ...row, outcome: 'failed', code: codeOf(error) ?? 'HF_INTERNAL' });
      throw error;
    }
  }

  /** Notes that somebody who is known asked for what that one may not do. */
  async denied(subject: AuditSubject): Promise<void> {
    const { key, row } = this.#newRecord(subject);
    const code = 'HF_ACCESS_DENIED';
    await this.#write(key, { ...row, outcome: 'denied', code, endedAtMs: row.atMs });
  }

  /** @throws HF_REQUEST_INVALID for a `before` that no page had. */
  async page({ before, limit }: AuditQuery): Promise<AuditPageView> {
    const found = await this.#book.scanBack('audit', limit + 1, keyOfId(before));
    const taken = found.slice(0, limit);
    const records = taken.map(({ key, value }) => view(key, auditRow.decode(value)));
    const next = found.length > limit ? (records.at(-1)?.id ?? null) : null;
    const at = rfc3339(this.#ports.clock.nowMs()) ?? '';
    return { schema: 'holdfast.audit/1', at, records, next };
  }

  #newRecord(subject: AuditSubject): { readonly key: Uint8Array; readonly row: AuditRow } {
    const { clock, randomBytes } = this.#ports;
    const atMs = clock.nowMs();
    const target = subject.target.slice(0, TARGET_LENGTH_MAX);
    const row = { ...subject, target, atMs, outcome: 'begun', code: '', endedAtMs: 0 } as const;
    return { key: auditKey(atMs, randomBytes(8)), row };
  }

  #write(key: Uint8Array, row: AuditRow): Promise<void> {
    return this.#book.change(async () => {
      const put: StoreOp = { kind: 'put', key, value: auditRow.encode(row) };
      return { ops: [...(await this.#surplus()), put], value: undefined };
    });
  }

  /** The oldest ones, where there are too many: others may have written, too. */
  async #surplus(): Promise<readonly StoreOp[]> {
    this.#untilLook -= 1;
    if (this.#untilLook > 0) return [];
    const { recordsMax, lookEvery } = this.#limits;
    this.#untilLook = lookEvery;
    const surplus = (await this.#book.count('audit')) - recordsMax;
    if (surplus <= 0) return [];
    const oldest = await this.#book.scan('audit', Math.min(surplus, DELETED_MAX));
    return oldest.map(({ key }) => ({ kind: 'delete', key }) as const);
  }

  #end(key: Uint8Array, row: AuditRow): Promise<void> {
    const ended = { ...row, endedAtMs: this.#ports.clock.nowMs() };
    const ops = [{ kind: 'put', key, value: auditRow.encode(ended) }] as const;
    return this.#book.change(() => Promise.resolve({ ops, value: undefined }));
  }
}

const KEY_BYTES = accessRange('audit').from.byteLength + 16;

function keyOfId(id: string | undefined): Uint8Array | undefined {
  if (id === undefined) return undefined;
  const bytes = /^([0-9a-f]{2})+$/.test(id) ? unhex(id) : new Uint8Array(0);
  if (bytes.byteLength === KEY_BYTES - 1) return accessKey('audit', bytes);
  throw new HoldfastError('HF_REQUEST_INVALID', {
    why: 'before is not what the page before had as next',
  });
}

function view(key: Uint8Array, row: AuditRow): AuditView {
  const { atMs, endedAtMs, code, ...rest } = row;
  return {
    id: hex(key.subarray(1)),
    at: rfc3339(atMs),
    ...rest,
    code: code === '' ? null : code,
    endedAt: rfc3339(endedAtMs),
  };
}
