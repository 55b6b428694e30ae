import { HoldfastError } from '@holdfast/protocol';
import type { HttpProxy } from '../core/proxy-address.ts';
import { enrolledOf, pinnedTrust, type Enrolled } from './enroll-request.ts';
import { askGateway, unreachable, type GatewayQuestion, type Trust } from './gateway-request.ts';

/** What the gateway says when a device begins to ask. Bytes are hex. */
export interface Begun {
  readonly id: string;
  readonly publicKey: string;
  readonly certificate: string;
  readonly nonce: string;
}

/** A gateway at which a device asks to be let in. Who it is, a person compares in the end. */
export class PairingRequest {
  readonly #url: string;
  readonly #id: string;
  readonly #trust: Trust | undefined;
  readonly #proxy: HttpProxy | undefined;
  readonly begun: Begun;

  private constructor(at: Omit<GatewayQuestion, 'path'>, begun: Begun) {
    this.#url = at.url;
    this.#id = begun.id;
    this.#trust = at.trust;
    this.#proxy = at.proxy;
    this.begun = begun;
  }

  /** @throws HF_GATEWAY_UNREACHABLE, HF_GATEWAY_UNTRUSTED, and what the gateway answers. */
  static async begin(url: string, body: object, proxy?: HttpProxy): Promise<PairingRequest> {
    const isSecure = new URL(url).protocol === 'https:';
    const unproven = isSecure ? { seen: {} } : undefined;
    const asked = { url, path: '/api/pair', trust: unproven, body, proxy };
    const begun = begunOf(url, await askGateway(asked));
    if (isSecure !== (begun.certificate !== '')) {
      const why = `${url} is not known by the certificate that it shows`;
      throw new HoldfastError('HF_GATEWAY_UNTRUSTED', { why });
    }
    // From now on only what the words tell of is spoken to.
    const trust = isSecure ? await pinnedTrust(url, begun.certificate, proxy) : undefined;
    return new PairingRequest({ url, trust, proxy }, begun);
  }

  /** @returns The code by which somebody finds it. */
  async reveal(nonce: string): Promise<string> {
    const { code } = await this.#ask('/api/pair/reveal', { id: this.#id, nonce });
    if (typeof code === 'string' && /^[0-9A-Z-]{4,16}$/.test(code)) return code;
    throw unreachable(this.#url, 'what answers is not a Holdfast gateway');
  }

  /** `undefined`: nobody has decided yet. @throws HF_PAIRING_REFUSED, HF_PAIRING_UNKNOWN */
  async outcome(): Promise<Enrolled | undefined> {
    const { enrolled } = await this.#ask('/api/pair/outcome', { id: this.#id });
    if (typeof enrolled !== 'object' || enrolled === null) return undefined;
    return enrolledOf(this.#url, { ...enrolled });
  }

  #ask(path: string, body: object): Promise<Readonly<Record<string, unknown>>> {
    return askGateway({ url: this.#url, path, trust: this.#trust, body, proxy: this.#proxy });
  }
}

function begunOf(url: string, answer: Readonly<Record<string, unknown>>): Begun {
  const { id, publicKey, certificate, nonce } = answer;
  const isHex = (text: unknown, most: number): text is string =>
    typeof text === 'string' && text.length <= most && /^([0-9a-f]{2})*$/.test(text);
  const isCertificate = certificate === '' || (isHex(certificate, 64) && certificate.length === 64);
  if (isHex(id, 32) && isHex(publicKey, 512) && isHex(nonce, 32) && isCertificate) {
    return { id, publicKey, certificate, nonce };
  }
  throw unreachable(url, 'what answers is not a Holdfast gateway');
}
