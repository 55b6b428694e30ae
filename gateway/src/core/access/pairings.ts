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
  type Verify,
} from '@holdfast/protocol';
import { rfc3339 } from '../entry-view.ts';
import { tagsOf } from '../fleet-commands.ts';
import { acceptDevice, type AcceptPorts } from './accept-device.ts';
import type { EnrolledView } from './access-views.ts';
import { AttemptLimit } from './attempt-limit.ts';
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

export interface PairingsPorts extends AcceptPorts {
  readonly verify: Verify;
  readonly randomBytes: (length: number) => Uint8Array;
  readonly certifier: Certifier;
  /** Of this gateway. */
  readonly publicKey: Uint8Array;
  /** SHA-256 of what its API is known by, in hex; empty: nothing. */
  readonly certificate: () => string;
  readonly told: () => Pick<EnrolledView, 'publicKey' | 'mqtt' | 'ca'>;
}

interface Pending extends Pick<PairingRequest, 'device' | 'from'> {
  readonly publicKey: Uint8Array;
  readonly commitment: Uint8Array;
  readonly gatewayNonce: Uint8Array;
  readonly certificate: string;
  readonly expiresAtMs: number;
  /** Empty: the device has not shown its part yet. */
  code: string;
  words: string;
  wrongWords: number;
  state: 'waiting' | 'approved' | 'denied';
}

/** A person walks from one screen to the other. */
const LIFE_MS = 10 * 60_000;
const PENDING_MAX = 100;
/** Somebody mistypes; who guesses has three in sixteen million. */
const WRONG_WORDS_MAX = 3;
const perAddress = { failuresMax: 10, windowMs: 5 * 60_000 };
const perPerson = { failuresMax: 20, windowMs: 15 * 60_000 };
/** None that is mistaken for another one. */
const CODE_LETTERS = '23456789ABCDEFGHJKMNPQRSTVWXYZ';
const CODE_LENGTH = 6;

/**
 * Devices that ask to be let in without a token. Each shows a code, by which somebody finds it
 * here, and words, which are the same here unless somebody stands between. Nothing of it survives a
 * restart: a device begins again.
 */
export class Pairings {
  readonly #ports: PairingsPorts;
  readonly #pending = new Map<string, Pending>();
  readonly #ofAddress = new AttemptLimit(perAddress);
  readonly #ofPerson = new AttemptLimit(perPerson);

  constructor(ports: PairingsPorts) {
    this.#ports = ports;
  }

  /** @throws HF_PAIRING_REFUSED, HF_ACCESS_LIMITED */
  begin(request: PairingRequest): PairingBegunView {
    const { clock, verify, randomBytes, publicKey, certificate } = this.#ports;
    const { device, from } = request;
    const nowMs = clock.nowMs();
    this.#ofAddress.check(from, nowMs);
    this.#ofAddress.failed(from, nowMs);
    this.#forget(nowMs);
    const key = unhex(request.publicKey);
    const commitment = unhex(request.commitment);
    if (!verify(key, pairStatement(device, commitment), unhex(request.signature))) {
      throw refused('what is signed does not prove the key');
    }
    if (this.#pending.size >= PENDING_MAX) throw refused('too many devices wait already');
    const gatewayNonce = randomBytes(PAIRING_NONCE_BYTES);
    const pending: Pending = {
      ...{ device, from, publicKey: key, commitment, gatewayNonce, certificate: certificate() },
      ...{ expiresAtMs: nowMs + LIFE_MS, code: '', words: '', wrongWords: 0, state: 'waiting' },
    };
    const id = hex(randomBytes(PAIRING_NONCE_BYTES));
    this.#pending.set(id, pending);
    const own = { publicKey: hex(publicKey), certificate: pending.certificate };
    const told = { id, ...own, nonce: hex(gatewayNonce) };
    return { schema: 'holdfast.pairing-begun/1', at: this.#at(), ...told };
  }

  /** The device tells what it is bound to. @throws HF_PAIRING_UNKNOWN, HF_PAIRING_REFUSED */
  reveal(id: string, nonce: string): PairingShownView {
    const { sha256, publicKey: gatewayKey } = this.#ports;
    const pending = this.#byId(id);
    const { publicKey: deviceKey, gatewayNonce, certificate, expiresAtMs } = pending;
    const deviceNonce = unhex(nonce);
    const commitment = pairingCommitment(sha256, { deviceKey, deviceNonce });
    if (!equalBytes(commitment, pending.commitment)) {
      this.#pending.delete(id);
      throw refused('the device shows other bytes than it was bound to');
    }
    const seen = { deviceKey, gatewayKey, certificate, deviceNonce, gatewayNonce };
    pending.words = pairingWords(sha256, seen);
    if (pending.code === '') pending.code = this.#newCode();
    const { code } = pending;
    const expiresAt = rfc3339(expiresAtMs);
    return { schema: 'holdfast.pairing-shown/1', at: this.#at(), code, expiresAt };
  }

  /** What became of it; `undefined`: it waits. @throws HF_PAIRING_UNKNOWN, HF_PAIRING_REFUSED */
  async outcome(id: string): Promise<EnrolledView | undefined> {
    const pending = this.#byId(id);
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
    const { clock, ledger, sha256 } = this.#ports;
    this.#forget(clock.nowMs());
    const waiting = [...this.#pending.values()].filter(
      ({ state, code }) => state === 'waiting' && code !== '',
    );
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
    const { code, words, tags, replaces } = approval;
    const pending = this.#byCode(code, by);
    const given = words.trim().toLowerCase().split(/\s+/).join(' ');
    if (given !== pending.words) {
      pending.wrongWords += 1;
      if (pending.wrongWords >= WRONG_WORDS_MAX) pending.state = 'denied';
      const why = 'the device shows other words: somebody stands between it and this gateway';
      throw refused(why);
    }
    const { device, publicKey } = pending;
    await acceptDevice(this.#ports, { device, publicKey, tags: tagsOf(tags), replaces });
    return this.#decide(pending, 'approved');
  }

  deny(code: string, by: string): PairingDecidedView {
    return this.#decide(this.#byCode(code, by), 'denied');
  }

  #decide(pending: Pending, state: 'approved' | 'denied'): PairingDecidedView {
    pending.state = state;
    const { code, device } = pending;
    const approved = state === 'approved';
    return { schema: 'holdfast.pairing-decided/1', at: this.#at(), code, device, approved };
  }

  #byId(id: string): Pending {
    this.#forget(this.#ports.clock.nowMs());
    const pending = this.#pending.get(id);
    if (pending !== undefined) return pending;
    throw new HoldfastError('HF_PAIRING_UNKNOWN', { why: 'it is over, or was never begun' });
  }

  #byCode(text: string, by: string): Pending {
    const nowMs = this.#ports.clock.nowMs();
    this.#forget(nowMs);
    this.#ofPerson.check(by, nowMs);
    const code = text.toUpperCase().replaceAll(/[^A-Z0-9]/g, '');
    const found = [...this.#pending.values()].find(
      (each) => each.state === 'waiting' && each.code !== '' && plain(each.code) === code,
    );
    if (found !== undefined) return found;
    this.#ofPerson.failed(by, nowMs);
    throw new HoldfastError('HF_PAIRING_UNKNOWN', { why: JSON.stringify(text.slice(0, 16)) });
  }

  #newCode(): string {
    for (;;) {
      const bytes = this.#ports.randomBytes(CODE_LENGTH);
      const text = Array.from(bytes, (byte) => CODE_LETTERS[byte % CODE_LETTERS.length]).join('');
      const code = `${text.slice(0, 4)}-${text.slice(4)}`;
      if (![...this.#pending.values()].some((each) => each.code === code)) return code;
    }
  }

  #forget(nowMs: number): void {
    for (const [id, { expiresAtMs }] of this.#pending) {
      if (expiresAtMs <= nowMs) this.#pending.delete(id);
    }
  }

  #at(): string {
    return rfc3339(this.#ports.clock.nowMs()) ?? '';
  }
}

function plain(code: string): string {
  return code.replace('-', '');
}

function refused(why: string): HoldfastError {
  return new HoldfastError('HF_PAIRING_REFUSED', { why });
}
