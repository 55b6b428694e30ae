import { lookup } from 'node:dns/promises';
import { connect, type Socket } from 'node:net';
import { performance } from 'node:perf_hooks';
import { HoldfastError, messageOf, type MqttVersion } from '@holdfast/protocol';
import { found, type Finding } from '../../core/finding.ts';
import type { HttpProxy } from '../../core/proxy-address.ts';
import { readBrokerAddress, type BrokerAddress } from '../broker-address.ts';
import { connectBroker, type TlsOptions } from '../broker-socket.ts';
import { openWay } from '../http-proxy.ts';
import { createMqttDial } from '../mqtt-dial.ts';
import { tlsWords } from '../tls-words.ts';

const CHECK = 'uplink';
const STAGE_MS_MAX = 5_000;
const SWALLOWS_HINT =
  'Something on the way swallows packets: a firewall, or a network without a way out.';
const LARGE_HINT =
  'The way may swallow large packets (MTU): try `ip link set dev DEVICE mtu 1280`.';

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
  /** Told what the broker says of the packets that it takes. */
  readonly onPacketMax?: (bytes: number) => void;
}

/** What a stage ended with; `undefined`: it was passed. */
type Stop = Finding | undefined;

type Way = UplinkTarget & BrokerAddress;

/** Goes the way to the broker, stage by stage, and tells where it ends. */
export async function checkUplink(target: UplinkTarget): Promise<Finding> {
  const way = { ...target, ...readBrokerAddress(target.url) };
  const stages: readonly (readonly [name: string, pass: (way: Way) => Promise<Stop>])[] = [
    ...(way.proxy === undefined
      ? ([['DNS', reachName], ['TCP', reachPort]] as const)
      : ([['proxy', reachProxy]] as const)),
    ...(way.isTls ? [['TLS', reachTls] as const] : []),
    ...(target.device === undefined ? [] : [['MQTT', reachMqtt] as const]),
  ];
  let passed = '';
  for (const [name, pass] of stages) {
    const startedAt = performance.now();
    const stop = await within(pass(way), name === 'TLS' ? LARGE_HINT : SWALLOWS_HINT);
    if (stop !== undefined) return { ...stop, text: `${passed}${name}: ${stop.text}` };
    passed += `${name} ${Math.round(performance.now() - startedAt)} ms → `;
  }
  return found(CHECK, 'ok', passed.slice(0, -' → '.length));
}

function stopped(text: string, hint = ''): Finding {
  return found(CHECK, 'failure', text, hint);
}

async function within(stage: Promise<Stop>, hint: string): Promise<Stop> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<Stop>((resolve) => {
    const text = `no answer within ${STAGE_MS_MAX / 1_000} s`;
    timer = setTimeout(() => resolve(stopped(text, hint)), STAGE_MS_MAX);
  });
  const stop = await Promise.race([stage, late]);
  clearTimeout(timer);
  return stop;
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

function reachPort({ host, port }: Way): Promise<Stop> {
  return new Promise((resolve) => {
    const socket = connect({ host, port }, () => resolve(undefined));
    socket.on('error', (error: NodeJS.ErrnoException) => {
      const isRefused = error.code === 'ECONNREFUSED';
      const why = isRefused ? `nothing listens on port ${port} of ${host}` : error.message;
      resolve(stopped(why, isRefused ? 'Look at the port, and whether the broker runs.' : ''));
    });
    closeLater(socket, 'connect');
  });
}

async function reachProxy({ proxy, ...place }: Way): Promise<Stop> {
  if (proxy === undefined) return undefined;
  try {
    (await openWay(proxy, place, { ms: STAGE_MS_MAX - 500 })).destroy();
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

async function reachTls(at: Way): Promise<Stop> {
  const way = at.proxy && (await openWay(at.proxy, at));
  return new Promise((resolve) => {
    const socket = connectBroker(at, at.tls, { way }).once('secureConnect', () => {
      resolve(undefined);
    });
    socket.on('error', (error: NodeJS.ErrnoException) => {
      const why = tlsWords(error.code ?? '', error.message) ?? error.message;
      resolve(stopped(why, 'Look at --tls-ca, and at the clock of this device.'));
    });
    closeLater(socket, 'secureConnect');
  });
}

/** A socket has served once it is there, and must not keep the process when it never is. */
function closeLater(socket: Socket, event: 'connect' | 'secureConnect'): void {
  socket.once(event, () => socket.destroy());
  socket.setTimeout(STAGE_MS_MAX, () => socket.destroy());
}

/** Connects and subscribes, as the agent does. */
function reachMqtt(way: Way): Promise<Stop> {
  const { url, tls, password, proxy, mqttVersion, device = '' } = way;
  const options = {
    ...{ url, connectMs: STAGE_MS_MAX - 500 },
    ...(tls === undefined ? {} : { tls }),
    ...(proxy === undefined ? {} : { proxy }),
    ...(password === undefined ? {} : { password }),
    ...(mqttVersion === undefined ? {} : { mqttVersion }),
  };
  return new Promise((resolve) => {
    const link = createMqttDial(options)(device)((event) => {
      if (event.kind === 'message') return;
      const hint = 'A broker lets a device in by its name, its password and its topics.';
      if (event.kind === 'up') resolve(undefined);
      else resolve({ ...stopped(event.reason.message, hint), code: event.reason.code });
      if (event.kind !== 'up') return;
      if (event.packetBytesMax !== undefined) way.onPacketMax?.(event.packetBytesMax);
      link.close();
    });
  });
}
