import {
  HoldfastError,
  durationMs,
  formatDuration,
  messageOf,
  type Clock,
  type Log,
} from '@holdfast/protocol';
import type { Expiry } from './core/certificates/certificate-metrics.ts';
import type { GatewayOptions } from './gateway-options.ts';
import { CaStore } from './io/ca-store.ts';
import { LiveTls } from './io/live-tls.ts';
import { checkHostName, serverCertificate } from './io/server-certificate.ts';
import { checkListening, isLoopback } from './io/broker-address.ts';
import { expiryOf, fingerprintOf, readTls, type Tls, type TlsFiles } from './io/tls-files.ts';

/** How often it is looked whether a certificate is to be made anew. */
const LOOK_MS = 12 * 60 * 60_000;
const LOCALHOST = '127.0.0.1';
const [LIFE_MS_MIN, LIFE_MS_MAX] = [3_600_000, 30 * 365 * 86_400_000];

/** What a server shows: files, a certificate of the gateway's own authority, or nothing. */
export type TlsWish = Tls | 'own' | undefined;

export interface TlsWishes {
  readonly mqtt: TlsWish;
  readonly http: TlsWish;
  readonly names: readonly string[];
  /** How long a certificate of a device is valid. */
  readonly deviceLifeMs: number;
}

type Wishing = Pick<
  GatewayOptions,
  | 'mqttHost'
  | 'httpHost'
  | 'httpPort'
  | 'broker'
  | 'tls'
  | 'httpTls'
  | 'tlsNames'
  | 'insecure'
  | 'certificateLife'
>;

/**
 * Reads what is to be shown to devices and at the API. Without files, who comes from another
 * machine sees a certificate of the gateway's own authority.
 *
 * @throws HF_CONFIG_INVALID
 */
export async function readTlsWishes(options: Wishing): Promise<TlsWishes> {
  const { mqttHost = LOCALHOST, httpHost = LOCALHOST, broker, insecure, tls } = options;
  const names = (options.tlsNames ?? []).map(checkHostName);
  const rest = { names, deviceLifeMs: readLife(options) };
  const wish = async (host: string, files: TlsFiles | undefined): Promise<TlsWish> => {
    checkListening(files);
    if (files !== undefined) return readTls(files);
    if (insecure === true) return undefined;
    return names.length > 0 || !isLoopback(host) ? 'own' : undefined;
  };
  const httpFiles = options.httpTls ?? (broker === undefined ? tls : undefined);
  const isServed = options.httpPort !== undefined;
  const http = isServed ? await wish(httpHost, httpFiles) : undefined;
  if (broker !== undefined) return { mqtt: tls && (await readTls(tls)), http, ...rest };
  return { mqtt: await wish(mqttHost, tls), http, ...rest };
}

function readLife({ certificateLife = '3650d' }: Wishing): number {
  const lifeMs = durationMs(certificateLife);
  if (lifeMs >= LIFE_MS_MIN && lifeMs <= LIFE_MS_MAX) return lifeMs;
  const why = `certificates are valid for 1 h to 30 y, not ${formatDuration(lifeMs)}`;
  throw new HoldfastError('HF_CONFIG_INVALID', { why });
}

/** The authority of a gateway, and what its servers show. */
export interface GatewayTls {
  readonly ca: CaStore;
  readonly mqtt: LiveTls | undefined;
  readonly http: LiveTls | undefined;
  readonly deviceLifeMs: number;
  /** SHA-256, in hex, of what a token names so that a device knows the API; empty: nothing. */
  readonly pin: () => string;
  /** Until when what it shows, and its authority, are valid. */
  expiries(): readonly Expiry[];
  /** Another key takes the place of the authority's. */
  rotate(isTrusted: boolean): Promise<void>;
  close(): void;
}

/** @throws HF_STORE_DAMAGED, HF_DATA_DIR_UNUSABLE. */
export async function openTls(
  wishes: TlsWishes,
  { dataDir, clock, log }: { readonly dataDir: string; readonly clock: Clock; readonly log: Log },
): Promise<GatewayTls> {
  const ca = await CaStore.open(dataDir, clock);
  const isOwned = [wishes.mqtt, wishes.http].includes('own');
  const own = () => serverCertificate({ dataDir, ca, clock, names: wishes.names });
  const made = isOwned ? await own() : {};
  const live = (wish: TlsWish) => wish && new LiveTls(wish === 'own' ? made : wish);
  const [mqtt, http] = [live(wishes.mqtt), live(wishes.http)];
  const refresh = async (): Promise<void> => {
    const tls = isOwned ? await own() : {};
    // Also where it shows files: what it takes of devices may be another authority's by now.
    mqtt?.replace(wishes.mqtt === 'own' ? tls : mqtt.tls);
    http?.replace(wishes.http === 'own' ? tls : http.tls);
  };
  let cancel = (): void => {};
  const look = (): void => {
    cancel = clock.wakeIn(LOOK_MS, () => {
      refresh().catch((error: unknown) => {
        log.error('the certificate of this gateway is not renewed', { why: messageOf(error) });
      });
      look();
    });
  };
  if (isOwned) look();
  const pin = (): string => {
    if (http === undefined) return '';
    return wishes.http === 'own' ? ca.fingerprint : fingerprintOf(http.tls);
  };
  const rotate = async (isTrusted: boolean): Promise<void> => {
    await ca.rotate(isTrusted);
    await refresh();
  };
  const { deviceLifeMs } = wishes;
  const expiries = () => expiriesOf({ ca, devices: mqtt, api: http });
  return { ca, mqtt, http, deviceLifeMs, pin, expiries, rotate, close: () => cancel() };
}

function expiriesOf({
  ca,
  ...shown
}: {
  readonly ca: CaStore;
  readonly devices: LiveTls | undefined;
  readonly api: LiveTls | undefined;
}): readonly Expiry[] {
  const own: Expiry = { certificate: 'authority', expiresAtMs: ca.expiresAtMs };
  const each = (['devices', 'api'] as const).flatMap((certificate): readonly Expiry[] => {
    const cert = shown[certificate]?.tls.cert;
    return cert === undefined ? [] : [{ certificate, expiresAtMs: expiryOf(cert) }];
  });
  return [own, ...each];
}
