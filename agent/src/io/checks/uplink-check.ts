import { lookup } from 'node:dns/promises';
import { connect, type Socket } from 'node:net';
import { performance } from 'node:perf_hooks';
import type { TLSSocket } from 'node:tls';
import {
  errorCatalogue,
  formatDuration,
  HoldfastError,
  messageOf,
  type MqttVersion,
} from '@holdfast/protocol';
import { found, type Finding } from '../../core/finding.ts';
import type { HttpProxy } from '../../core/proxy-address.ts';
import { readBrokerAddress, type BrokerAddress } from '../broker-address.ts';
import { connectBroker, type TlsOptions } from '../broker-socket.ts';
import { openWay } from '../http-proxy.ts';
import { tlsWords } from '../tls-words.ts';
import { BrokerVisit } from './broker-visit.ts';
import { CHECK_MS_OWN, inTime } from './check-time.ts';
import type { Greeting } from './greeting.ts';

const CHECK = 'uplink';
/** A stage that had less than that is no sign of a fault: the way is slow. */
const FAIR_MS = 2_000;
/** Sooner than the check is over: what stands in the way knows better words. */
const WORDS_MS = 300;
const SWALLOWS_HINT =
  'Something on the way swallows packets: a firewall, or a network without a way out.';
const LARGE_HINT =
  'The way may swallow large packets (MTU): try `ip link set dev DEVICE mtu 1280`.';
const SLOW_HINT = 'The way is slow, which harms nothing: `holdfast status` tells how it goes.';

export interface UplinkTarget {
  readonly url: string;
  readonly tls?: TlsOptions;
  readonly password?: string;
  readonly proxy?: HttpProxy;
  /** Default 3.1.1. */
  readonly mqttVersion?: MqttVersion;
  /**
   * Speaks MQTT as this device. `undefined`: the agent runs, and a second client of its name would
   * throw it out.
   */
  readonly device?: string;
  /** What is said to the gateway then. `undefined`: it is not asked. */
  readonly greeting?: Greeting | undefined;
  /** Told what the broker says of the packets that it takes. */
  readonly onPacketMax?: (bytes: number) => void;
}

/** What a stage ended with; `undefined`: it was passed. */
type Stop = Finding | undefined;

/** What a stage has to say of how it was passed. */
type Note = (text: string) => void;

interface Way extends UplinkTarget, BrokerAddress {
  /** Until the check is over. */
  readonly leftMs: () => number;
  /** The connection of the last two stages. */
  visit: BrokerVisit | undefined;
}

type Stage = readonly [name: string, pass: (way: Way, note: Note) => Promise<Stop>];

/** Goes the way to the gateway, stage by stage, within 5 s, and tells where it ends. */
export async function checkUplink(target: UplinkTarget): Promise<Finding> {
  const endMs = performance.now() + CHECK_MS_OWN;
  const leftMs = (): number => Math.max(1, Math.ceil(endMs - performance.now()));
  const way: Way = { ...target, ...readBrokerAddress(target.url), leftMs, visit: undefined };
  try {
    return await goThrough(way);
  } finally {
    way.visit?.end();
  }
}

async function goThrough(way: Way): Promise<Finding> {
  let passed = '';
  for (const [name, pass] of stagesOf(way)) {
    const startedAt = performance.now();
    const hadMs = way.leftMs();
    let noted = '';
    const note: Note = (text) => void (noted = ` (${text})`);
    const stop = await inTime(pass(way, note), hadMs, () => late(name, hadMs));
    if (stop !== undefined) return { ...stop, text: `${passed}${name}: ${stop.text}` };
    passed += `${name} ${Math.round(performance.now() - startedAt)} ms${noted} → `;
  }
  return found(CHECK, 'ok', passed.slice(0, -' → '.length));
}

function stagesOf({ proxy, isTls, device, greeting }: Way): readonly Stage[] {
  return [
    ...(proxy === undefined
      ? ([['DNS', reachName], ['TCP', reachPort]] as const)
      : ([['proxy', reachProxy]] as const)),
    ...(isTls ? [['TLS', reachTls] as const] : []),
    ...(device === undefined ? [] : [['MQTT', reachMqtt] as const]),
    ...(device === undefined || greeting === undefined ? [] : [['gateway', reachGateway] as const]),
  ];
}

function late(name: string, hadMs: number): Finding {
  const text = `no answer within ${(hadMs / 1_000).toFixed(1)} s`;
  if (hadMs < FAIR_MS) return found(CHECK, 'warning', text, SLOW_HINT);
  if (name === 'gateway') {
    const { message, hint } = errorCatalogue.HF_GATEWAY_SILENT;
    return { ...stopped(`${text}. ${message}`, hint), code: 'HF_GATEWAY_SILENT' };
  }
  return stopped(text, name === 'TLS' ? LARGE_HINT : SWALLOWS_HINT);
}

function stopped(text: string, hint = ''): Finding {
  return found(CHECK, 'failure', text, hint);
}

async function reachName({ host }: Way): Promise<Stop> {
  try {
    await lookup(host);
    return undefined;
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : undefined;
    if (code === 'ENOTFOUND') return stopped(`there is no name ${host}`, 'Is it misspelled?');
    return stopped(`${host} could not be looked up: ${messageOf(error)}`, 'Is there a network?');
  }
}

function reachPort({ host, port, leftMs }: Way): Promise<Stop> {
  return new Promise((resolve) => {
    const socket = connect({ host, port }, () => resolve(undefined));
    socket.on('error', (error: NodeJS.ErrnoException) => {
      const isRefused = error.code === 'ECONNREFUSED';
      const why = isRefused ? `nothing listens on port ${port} of ${host}` : error.message;
      const look = 'Look at the port, and whether the broker runs.';
      resolve(stopped(why, isRefused ? look : 'Is there a network, and a way out of it?'));
    });
    closeLater(socket, 'connect', leftMs());
  });
}

async function reachProxy({ proxy, leftMs, ...place }: Way): Promise<Stop> {
  if (proxy === undefined) return undefined;
  try {
    (await openWay(proxy, place, { ms: leftMs() - WORDS_MS })).destroy();
    return undefined;
  } catch (error) {
    const { code, message, hint } = asProxyError(error);
    return { ...stopped(message, hint), code };
  }
}

function asProxyError(error: unknown): HoldfastError {
  if (error instanceof HoldfastError) return error;
  return new HoldfastError('HF_PROXY_UNUSABLE', { why: messageOf(error), cause: error });
}

async function reachTls(at: Way, note: Note): Promise<Stop> {
  const way = at.proxy && (await openWay(at.proxy, at));
  return new Promise((resolve) => {
    const socket = connectBroker(at, at.tls, { way });
    socket.once('secureConnect', () => {
      note(tlsNote(socket as TLSSocket));
      resolve(undefined);
    });
    socket.on('error', (error: NodeJS.ErrnoException) => {
      const why = tlsWords(error.code ?? '', error.message);
      const hint = 'Look at --tls-ca, and at the clock of this device.';
      const stop = stopped(why ?? error.message, hint);
      resolve(why === undefined ? stop : { ...stop, code: 'HF_GATEWAY_UNTRUSTED' });
    });
    closeLater(socket, 'secureConnect', at.leftMs());
  });
}

/** @param socket That connectBroker made for an address with TLS. */
function tlsNote(socket: TLSSocket): string {
  const version = socket.getProtocol()?.replace('TLSv', 'TLS ') ?? 'TLS';
  const leftMs = Date.parse(socket.getPeerCertificate().valid_to) - Date.now();
  return `${version}, its certificate is valid for ${formatDuration(leftMs)}`;
}

/** A socket has served once it is there, and must not keep the process when it never is. */
function closeLater(socket: Socket, event: 'connect' | 'secureConnect', ms: number): void {
  socket.once(event, () => socket.destroy());
  socket.setTimeout(ms, () => socket.destroy());
}

function reachMqtt(way: Way): Promise<Stop> {
  const { url, tls, password, proxy, mqttVersion, device = '', leftMs, onPacketMax } = way;
  const options = {
    ...{ url, connectMs: leftMs() - WORDS_MS },
    ...(tls === undefined ? {} : { tls }),
    ...(proxy === undefined ? {} : { proxy }),
    ...(password === undefined ? {} : { password }),
    ...(mqttVersion === undefined ? {} : { mqttVersion }),
  };
  way.visit = new BrokerVisit(options, device);
  return way.visit.connect(onPacketMax);
}

async function reachGateway({ visit, greeting }: Way): Promise<Stop> {
  return greeting && visit?.greet(greeting);
}
