import { access, readFile } from 'node:fs/promises';
import { userInfo } from 'node:os';
import { join } from 'node:path';
import { codeOf, HoldfastError, messageOf } from '@holdfast/protocol';
import type { AccessDesk } from '../core/access/access-views.ts';
import type { PairingDesk } from '../core/access/pairing-views.ts';
import type { CaDesk } from '../core/certificates/ca-desk.ts';
import type { Fleet } from '../core/fleet-views.ts';
import type { GatewayAddress } from './http-client.ts';
import { contextSource } from './context-source.ts';
import { httpCa } from './http-ca.ts';
import { httpDesk } from './http-desk.ts';
import { httpFleet } from './http-fleet.ts';
import { httpPairings } from './http-pairings.ts';
import { ledgerAddress, type LedgerOptions } from './ledger-address.ts';
import { onlyOne, usage } from './options.ts';

/** Which gateway a command is about: one at an address, or that of a directory or a database. */
export interface SourceOptions extends LedgerOptions {
  readonly url?: URL;
  /** File with the API token for it. */
  readonly tokenFile?: string;
  /** PEM: what to trust of it. */
  readonly tlsCa?: string;
  readonly dataDir?: string;
  /** Name of one of these, in a file. */
  readonly context?: string;
}

/** What can be asked of a gateway. */
export interface GatewaySource {
  readonly fleet: Fleet;
  readonly desk: AccessDesk;
  readonly ca: CaDesk;
  /** `undefined`: it does not run, so none waits. */
  readonly pairings?: PairingDesk;
}

/** Runs a body with the fleet, see `withShared`. */
export function withFleet<T>(
  options: SourceOptions,
  body: (fleet: Fleet) => Promise<T>,
): Promise<T> {
  return withShared(options, ({ fleet }) => body(fleet));
}

/** Runs a body with the users and tokens, see `withShared`. */
export function withDesk<T>(
  options: SourceOptions,
  body: (desk: AccessDesk) => Promise<T>,
): Promise<T> {
  return withShared(options, ({ desk }) => body(desk));
}

/** What gateways on one database share may have any owners; the rest see `withGateway`. */
async function withShared<T>(
  given: SourceOptions,
  body: (shared: Pick<GatewaySource, 'fleet' | 'desk'>) => Promise<T>,
): Promise<T> {
  const options = named(given);
  const isLocal = options.url !== undefined || options.dataDir !== undefined;
  const address = isLocal ? undefined : await ledgerAddress(options);
  if (address === undefined) return withGateway(options, body);
  const { openInDatabase } = await import('../stopped-gateway.ts');
  const shared = await openInDatabase(address, userInfo().username);
  try {
    return await body(shared);
  } finally {
    await shared.close();
  }
}

/** Runs a body with the devices that wait, see `withGateway`. @throws HF_REQUEST_INVALID */
export function withPairings<T>(
  options: SourceOptions,
  body: (desk: PairingDesk) => Promise<T>,
): Promise<T> {
  return withGateway(options, ({ pairings }) => {
    if (pairings !== undefined) return body(pairings);
    const why = 'the gateway does not run: no device waits at it';
    throw new HoldfastError('HF_REQUEST_INVALID', { why });
  });
}

/** Runs a body with the authority, see `withGateway`. */
export function withCa<T>(options: SourceOptions, body: (ca: CaDesk) => Promise<T>): Promise<T> {
  return withGateway(options, ({ ca }) => body(ca));
}

/**
 * Runs a body with a gateway: asks the one that runs; opens its stores itself only when none runs
 * on that data directory, because they have one owner.
 */
async function withGateway<T>(
  given: SourceOptions,
  body: (gateway: GatewaySource) => Promise<T>,
): Promise<T> {
  const options = named(given);
  const { url, dataDir } = options;
  if (url !== undefined) return body(sourceAt(await addressOf(url, options)));
  if (dataDir === undefined) throw usage('--url, --data-dir or --context is missing');
  const running = await runningAt(dataDir);
  if (running === undefined) return withStopped(dataDir, body);
  try {
    return await body(sourceAt(running));
  } catch (error) {
    // A killed gateway leaves its address behind. If one runs all the same, the lock says so.
    if (codeOf(error) !== 'HF_GATEWAY_UNREACHABLE') throw error;
    return withStopped(dataDir, body);
  }
}

/** With what a context says. @throws HF_USAGE for options that contradict each other. */
function named(given: SourceOptions): SourceOptions {
  const options = contextSource(given, process.env);
  const { url, dataDir, ledger, ledgerFile, tokenFile, tlsCa } = options;
  const places = { '--data-dir': dataDir, '--ledger': ledger, '--ledger-file': ledgerFile };
  onlyOne({ '--url': url, ...places });
  if (url !== undefined) return options;
  // A variable is for whatever is asked, and need not be of use each time.
  const isTyped = tokenFile !== undefined && tokenFile !== process.env['HOLDFAST_TOKEN_FILE'];
  const idle = isTyped ? '--token-file' : tlsCa === undefined ? undefined : '--tls-ca';
  if (idle === undefined) return options;
  const [place] = Object.entries(places).find(([, value]) => value !== undefined) ?? [];
  throw usage(`${idle} is for --url${place === undefined ? '' : `, not for ${place}`}`);
}

function sourceAt(at: GatewayAddress): GatewaySource {
  const [desk, pairings] = [httpDesk(at), httpPairings(at)];
  return { fleet: httpFleet(at), desk, ca: httpCa(at), pairings };
}

async function addressOf(url: URL, { tokenFile, tlsCa }: SourceOptions): Promise<GatewayAddress> {
  const token = tokenFile === undefined ? '' : await readOption('--token-file', tokenFile);
  const ca = tlsCa === undefined ? undefined : await readOption('--tls-ca', tlsCa);
  return { url, token: token.trim(), ca };
}

async function readOption(name: string, path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    throw usage(`${name} cannot be read: ${messageOf(error)}`);
  }
}

async function withStopped<T>(
  dataDir: string,
  body: (gateway: GatewaySource) => Promise<T>,
): Promise<T> {
  const { openStopped } = await import('../stopped-gateway.ts');
  const stopped = await openStopped(dataDir, userInfo().username);
  try {
    return await body(stopped);
  } finally {
    await stopped.close();
  }
}

/** Where `gateway.json` says that one runs; `undefined` when none says so. */
async function runningAt(dataDir: string): Promise<GatewayAddress | undefined> {
  const text = await readFile(join(dataDir, 'gateway.json'), 'utf8').catch(() => undefined);
  if (text === undefined) {
    await access(join(dataDir, 'ledger')).catch(() => {
      throw new HoldfastError('HF_DATA_DIR_MISSING', { why: `${dataDir} has no ledger` });
    });
    return undefined;
  }
  const { http, certificate } = parseState(text);
  if (typeof http !== 'string' || !URL.canParse(http)) return undefined;
  // Who may not read it is told so by the gateway.
  const token = await readFile(join(dataDir, 'local.token'), 'utf8').catch(() => '');
  const pin = typeof certificate === 'string' ? certificate : undefined;
  return { url: new URL(http), token: token.trim(), certificate: pin };
}

function parseState(text: string): { readonly http?: unknown; readonly certificate?: unknown } {
  try {
    const state: unknown = JSON.parse(text);
    return typeof state === 'object' && state !== null ? state : {};
  } catch {
    return {}; // Cut off by a power cut; the gateway that wrote it is gone.
  }
}
