import {
  HoldfastError,
  PAIRING_NONCE_BYTES,
  equalBytes,
  hex,
  keyNameOf,
  pairStatement,
  pairingCommitment,
  pairingWords,
  unhex,
  type StoreOp,
  type Verify,
} from '@holdfast/protocol';
import { rfc3339 } from '../entry-view.ts';
import { tagsOf } from '../fleet-commands.ts';
import { acceptDevice, type AcceptPorts } from './accept-device.ts';
import type { AccessChange } from './access-store.ts';
import { accessKey, pairingRow, type PairingRow } from './access-rows.ts';
import type { EnrolledView } from './access-views.ts';
import { SharedLimit, type SharedLimitPorts } from './shared-limit.ts';
import type { Certifier } from './certifier.ts';
import type {
  PairingApproval,
  PairingBegunView,
  PairingDecidedView,
  PairingShownView,
  PairingView,
} from './pairing-views.ts';

/** What a device begins with. Bytes are hex. */
export interface PairingRequest {
  readonly device: string;
  readonly publicKey: string;
  readonly commitment: string;
  /** Of `pairStatement`, by that key. */
  readonly signature: string;
  readonly from: string;
}

export interface PairingsPorts extends AcceptPorts, Pick<SharedLimitPorts, 'book'> {
  readonly verify: Verify;
  readonly randomBytes: (length: number) => Uint8Array;
  readonly certifier: Certifier;
  /** Of this gateway. */
  readonly publicKey: Uint8Array;
  /** SHA-256 of what its API is known by, in hex; empty: nothing. */
  readonly certificate: () => string;
  readonly told: () => Pick<EnrolledView, 'publicKey' | 'mqtt' | 'ca'>;
}

/** A person walks from one screen to the other. */
const LIFE_MS = 10 * 60_000;
const PENDING_MAX = 100;
/** Somebody mistypes; who guesses has three in sixteen million. */
const WRONG_WORDS_MAX = 3;
const perAddress = { what: 'pairing from', failuresMax: 10, windowMs: 5 * 60_000 };
const perPerson = { what: 'pairing by', failuresMax: 20, windowMs: 15 * 60_000 };
/** None that is mistaken for another one. */
const CODE_LETTERS = '23456789ABCDEFGHJKMNPQRSTVWXYZ';
const CODE_LENGTH = 6;

/**
 * Devices that ask to be let in without a token. Each shows a code, by which somebody finds it
 * here, and words, which are the same here unless somebody stands between. They are kept with the
 * users: whichever gateway is asked, the same devices wait.
 */
export class Pairings {
  readonly #ports: PairingsPorts;
  readonly #ofAddress: SharedLimit;
  readonly #ofPerson: SharedLimit;

  constructor(ports: PairingsPorts) {
    this.#ports = ports;
    this.#ofAddress = new SharedLimit(ports, perAddress);
    this.#ofPerson = new SharedLimit(ports, perPerson);
  }

  /** @throws HF_PAIRING_REFUSED, HF_ACCESS_LIMITED */
  async begin(request: PairingRequest): Promise<PairingBegunView> {
    const { clock, verify, randomBytes, publicKey, certificate } = this.#ports;
    const { device, from } = request;
    await this.#ofAddress.begin(from);
    const key = unhex(request.publicKey);
    const commitment = unhex(request.commitment);
    if (!verify(key, pairStatement(device, commitment), unhex(request.signature))) {
      throw refused('what is signed does not prove the key');
    }
    const pending: PairingRow = {
      ...{ id: randomBytes(PAIRING_NONCE_BYTES), device, from, publicKey: key, commitment },
      ...{ gatewayNonce: randomBytes(PAIRING_NONCE_BYTES), certificate: certificate() },
      ...{ expiresAtMs: clock.nowMs() + LIFE_MS, code: '', words: '', wrongWords: 0 },
      state: 'waiting',
    };
    await this.#add(pending);
    const own = { publicKey: hex(publicKey), certificate: pending.certificate };
    const told = { id: hex(pending.id), ...own, nonce: hex(pending.gatewayNonce) };
    return { schema: 'holdfast.pairing-begun/1', at: this.#at(), ...told };
  }

  /** In the place of those that are over. */
  #add(pending: PairingRow): Promise<void> {
    const { book, clock } = this.#ports;
    return book.change(async () => {
      const known = await book.list('pairing', pairingRow, 2 * PENDING_MAX);
      const over = known.filter(({ expiresAtMs }) => expiresAtMs <= clock.nowMs());
      if (known.length - over.length >= PENDING_MAX) {
        throw refused('too many devices wait already');
      }
      return { ops: [...over.map(gone), ...put(pending).ops], value: undefined };
    });
  }

  /** The device tells what it is bound to. @throws HF_PAIRING_UNKNOWN, HF_PAIRING_REFUSED */
  async reveal(id: string, nonce: string): Promise<PairingShownView> {
    const { sha256, publicKey: gatewayKey, book } = this.#ports;
    const deviceNonce = unhex(nonce);
    const shown = await book.change(async () => {
      const pending = await this.#byId(id);
      const { publicKey: deviceKey, gatewayNonce, certificate } = pending;
      const commitment = pairingCommitment(sha256, { deviceKey, deviceNonce });
      if (!equalBytes(commitment, pending.commitment)) {
        return { ops: [gone(pending)], value: undefined };
      }
      const seen = { deviceKey, gatewayKey, certificate, deviceNonce, gatewayNonce };
      const words = pairingWords(sha256, seen);
      const code = pending.code === '' ? await this.#newCode() : pending.code;
      return put({ ...pending, words, code });
    });
    if (shown === undefined) throw refused('the device shows other bytes than it was bound to');
    const { code, expiresAtMs } = shown;
    const expiresAt = rfc3339(expiresAtMs);
    return { schema: 'holdfast.pairing-shown/1', at: this.#at(), code, expiresAt };
  }

  /** What became of it; `undefined`: it waits. @throws HF_PAIRING_UNKNOWN, HF_PAIRING_REFUSED */
  async outcome(id: string): Promise<EnrolledView | undefined> {
    const pending = await this.#byId(id);
    if (pending.state === 'waiting') return undefined;
    const { certifier, told } = this.#ports;
    const { device, publicKey, state } = pending;
    if (state === 'denied') throw refused('somebody decided against it');
    // It stays until it expires: the answer may get lost.
    const certificate = await certifier.certify(device, publicKey);
    return { schema: 'holdfast.enrolled/1', at: this.#at(), device, ...told(), certificate };
  }

  /** Without the words: they are to come from the device's own screen. */
  async list(): Promise<readonly PairingView[]> {
    const { ledger, sha256 } = this.#ports;
    const waiting = await this.#waiting();
    return Promise.all(
      waiting.map(async ({ code, device, publicKey, from, expiresAtMs }) => {
        const key = keyNameOf(sha256, publicKey);
        const record = await ledger.device(device);
        const replaces = record !== undefined && keyNameOf(sha256, record.publicKey) !== key;
        return { code, device, key, from, replaces, expiresAt: rfc3339(expiresAtMs) };
      }),
    );
  }

  /** @param by Who decides. */
  async approve(approval: PairingApproval, by: string): Promise<PairingDecidedView> {
    const { words, tags, replaces } = approval;
    const given = words.trim().toLowerCase().split(/\s+/).join(' ');
    const { id } = await this.#byCode(approval.code, by);
    const { device, publicKey } = await this.#believed(hex(id), given);
    await acceptDevice(this.#ports, { device, publicKey, tags: tagsOf(tags), replaces });
    return this.#decide(hex(id), 'approved');
  }

  async deny(code: string, by: string): Promise<PairingDecidedView> {
    const { id } = await this.#byCode(code, by);
    return this.#decide(hex(id), 'denied');
  }

  /** The pairing, if these are its words; wrong ones are counted, by all gateways together. */
  async #believed(id: string, words: string): Promise<PairingRow> {
    const { book } = this.#ports;
    const found = await book.change(async (): Promise<AccessChange<PairingRow>> => {
      const pending = await this.#byId(id);
      if (pending.state !== 'waiting') throw unknown(JSON.stringify(pending.code));
      if (words === pending.words) return { ops: [], value: pending };
      const wrongWords = pending.wrongWords + 1;
      const state = wrongWords >= WRONG_WORDS_MAX ? 'denied' : 'waiting';
      return put({ ...pending, wrongWords, state });
    });
    if (words === found.words) return found;
    throw refused('the device shows other words: somebody stands between it and this gateway');
  }

  async #decide(id: string, state: 'approved' | 'denied'): Promise<PairingDecidedView> {
    const { code, device } = await this.#ports.book.change(async () =>
      put({ ...(await this.#byId(id)), state }),
    );
    const approved = state === 'approved';
    return { schema: 'holdfast.pairing-decided/1', at: this.#at(), code, device, approved };
  }

  async #byId(id: string): Promise<PairingRow> {
    const { book, clock } = this.#ports;
    const pending = await book.get(accessKey('pairing', unhex(id)), pairingRow);
    if (pending !== undefined && pending.expiresAtMs > clock.nowMs()) return pending;
    throw unknown('it is over, or was never begun');
  }

  async #byCode(text: string, by: string): Promise<PairingRow> {
    await this.#ofPerson.check(by);
    const code = text.toUpperCase().replaceAll(/[^A-Z0-9]/g, '');
    const found = (await this.#waiting()).find((each) => plain(each.code) === code);
    if (found !== undefined) return found;
    await this.#ofPerson.begin(by);
    throw unknown(JSON.stringify(text.slice(0, 16)));
  }

  /** Those that show a code, and that nobody has decided about. */
  async #waiting(): Promise<readonly PairingRow[]> {
    const { book, clock } = this.#ports;
    const nowMs = clock.nowMs();
    const known = await book.list('pairing', pairingRow, 2 * PENDING_MAX);
    return known.filter(
      ({ state, code, expiresAtMs }) => state === 'waiting' && code !== '' && expiresAtMs > nowMs,
    );
  }

  async #newCode(): Promise<string> {
    const known = await this.#ports.book.list('pairing', pairingRow, 2 * PENDING_MAX);
    for (;;) {
      const bytes = this.#ports.randomBytes(CODE_LENGTH);
      const text = Array.from(bytes, (byte) => CODE_LETTERS[byte % CODE_LETTERS.length]).join('');
      const code = `${text.slice(0, 4)}-${text.slice(4)}`;
      if (!known.some((each) => each.code === code)) return code;
    }
  }

  #at(): string {
    return rfc3339(this.#ports.clock.nowMs()) ?? '';
  }
}

function put(row: PairingRow): AccessChange<PairingRow> {
  const key = accessKey('pairing', row.id);
  return { ops: [{ kind: 'put', key, value: pairingRow.encode(row) }], value: row };
}

function gone({ id }: PairingRow): StoreOp {
  return { kind: 'delete', key: accessKey('pairing', id) };
}

function plain(code: string): string {
  return code.replace('-', '');
}

function refused(why: string): HoldfastError {
  return new HoldfastError('HF_PAIRING_REFUSED', { why });
}

function unknown(why: string): HoldfastError {
  return new HoldfastError('HF_PAIRING_UNKNOWN', { why });
}
