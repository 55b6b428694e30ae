import { join, resolve } from 'node:path';
import {
  brokerProfileNames,
  durationMs,
  HoldfastError,
  mqttVersions,
  type BrokerProfileName,
  type MqttVersion,
  type LogLevel,
} from '@holdfast/protocol/base';
import { proxyProblem } from '../core/proxy-address.ts';
import { SOCKET_NAME } from '../core/surface.ts';
import { byteSize } from './byte-size.ts';
import type { MeteredOptions } from '../agent-options.ts';
import type { BrokerFiles } from './broker-access.ts';
import { meteredOptions } from './metered-options.ts';
import type { Format } from './output-format.ts';
import type { FoundSettings } from './settings.ts';
import type { Shell } from './shell.ts';
import { storeKeyFile } from './store-key-option.ts';

/** What `holdfast run` needs to know, checked as far as it can be without touching anything. */
export interface RunOptions extends BrokerFiles {
  readonly dataDir: string;
  readonly device: string;
  /** Path of the file with the workflows. */
  readonly code: string;
  readonly gateway?: string;
  /** Whose limits its broker has. */
  readonly brokerProfile?: BrokerProfileName;
  readonly mqttVersion?: MqttVersion;
  /** File with the key that encrypts the store. */
  readonly storeKey?: string;
  readonly socket: string;
  /** Of the page of this device, on loopback; 0: the system chooses. */
  readonly pagePort?: number;
  /** What tells this machine from others. */
  readonly machine?: string;
  /** The data directory was brought here from another machine. */
  readonly moved?: true;
  readonly retention?: string;
  /** What entries may take that the ledger has. */
  readonly retentionBytes?: number;
  readonly journalMaxBytes?: number;
  /** What is to stay free on the disk. */
  readonly diskReserveBytes?: number;
  /** Longest pause between two attempts to connect. */
  readonly reconnectMaxMs?: number;
  /** What a link that costs may be used for. */
  readonly metered?: MeteredOptions;
  /** Broker of a Home Assistant that is to show this device. */
  readonly homeAssistant?: string;
  readonly homeAssistantPasswordFile?: string;
  readonly logFormat: 'text' | 'json';
  readonly logLevel: LogLevel;
  /** Whether the line that says it is ready is JSON. */
  readonly isJson: boolean;
}

/** Below, a single large entry would be a good part of it. */
const MAX_BYTES_MIN = 1024 * 1024;

/** Below, a gateway that is away would be asked without pause; above, nobody would wait for it. */
const RECONNECT_MS = { min: 1_000, max: 86_400_000 } as const;

interface Flags {
  readonly moved?: true;
  readonly output?: Format;
  readonly debug?: true;
}

/** @throws HF_CONFIG_INVALID, naming the option, the variable or the line. */
export function runOptions(found: FoundSettings, flags: Flags, env: Shell['env']): RunOptions {
  const text = (name: string): string | undefined => found.get(name)?.value;
  checkPasswords(found);
  const dataDir = resolve(text('data-dir') ?? '');
  const socket = text('socket');
  return {
    dataDir,
    device: text('device') ?? '',
    code: text('code') ?? '',
    socket: socket === undefined ? join(dataDir, SOCKET_NAME) : resolve(socket),
    ...defined({
      gateway: text('gateway'),
      brokerProfile: checked(found, 'broker-profile', oneOf(brokerProfileNames)),
      mqttVersion: checked(found, 'mqtt-version', oneOf(mqttVersions)),
      tlsCa: text('tls-ca'),
      tlsCert: text('tls-cert'),
      tlsKey: text('tls-key'),
      passwordFile: text('password-file'),
      proxy: checked(found, 'proxy', webProxy),
      proxyPasswordFile: text('proxy-password-file'),
      storeKey: storeKeyFile({ ...defined({ storeKeyFile: text('store-key-file') }) }, env),
      pagePort: checked(found, 'page-port', port),
      machine: text('machine'),
      retention: checked(found, 'retention', duration),
      retentionBytes: checked(found, 'retention-bytes', (value, place) =>
        byteSize(place, value, 0),
      ),
      journalMaxBytes: checked(found, 'journal-max-bytes', (value, place) =>
        byteSize(place, value, MAX_BYTES_MIN),
      ),
      diskReserveBytes: checked(found, 'disk-reserve', (value, place) => byteSize(place, value, 0)),
      reconnectMaxMs: checked(found, 'reconnect-max', reconnectMs),
      metered: meteredOptions(found),
      homeAssistant: checked(found, 'home-assistant', houseBroker),
      homeAssistantPasswordFile: text('home-assistant-password-file'),
      moved: flags.moved,
    }),
    logFormat: text('log-format') === 'json' ? 'json' : 'text',
    logLevel: flags.debug === true ? 'debug' : 'info',
    isJson: flags.output === 'json',
  };
}

/** A password for nobody is a mistake. */
function checkPasswords(found: FoundSettings): void {
  for (const name of ['proxy', 'home-assistant']) {
    const setting = found.get(`${name}-password-file`);
    if (setting === undefined || found.has(name)) continue;
    const { origin, place } = setting;
    const given = origin === 'option' ? place : `${place}: ${name}-password-file`;
    const why = `${given} means nothing without --${name}`;
    throw new HoldfastError('HF_CONFIG_INVALID', { why });
  }
}

/** What was given, read by `read`, which names the place of a value that is wrong. */
function checked<T>(
  found: FoundSettings,
  name: string,
  read: (value: string, place: string) => T,
): T | undefined {
  const setting = found.get(name);
  if (setting === undefined) return undefined;
  const { value, origin, place } = setting;
  return read(value, origin === 'option' ? place : `${place}: ${name}`);
}

function oneOf<T extends string>(words: readonly T[]): (value: string, place: string) => T {
  return (value, place) => {
    const word = words.find((each) => each === value);
    if (word !== undefined) return word;
    const why = `${place} ${value} is none of ${words.join(', ')}`;
    throw new HoldfastError('HF_CONFIG_INVALID', { why });
  };
}

function duration(value: string, place: string): string {
  msOf(value, place);
  return value;
}

function msOf(value: string, place: string): number {
  try {
    return durationMs(value);
  } catch {
    const why = `${place} ${value} is no duration, such as 30s or 7d`;
    throw new HoldfastError('HF_CONFIG_INVALID', { why });
  }
}

function reconnectMs(value: string, place: string): number {
  const ms = msOf(value, place);
  if (ms >= RECONNECT_MS.min && ms <= RECONNECT_MS.max) return ms;
  throw new HoldfastError('HF_CONFIG_INVALID', { why: `${place} ${value} is not from 1s to 1d` });
}

function port(value: string, place: string): number {
  if (/^\d{1,5}$/.test(value) && Number(value) < 65_536) return Number(value);
  const why = `${place} ${value} is no port: 0 to 65535`;
  throw new HoldfastError('HF_CONFIG_INVALID', { why });
}

/** Addresses are shown, and passwords are not. */
function houseBroker(value: string, place: string): string {
  const url = URL.canParse(value) ? new URL(value) : undefined;
  const isMqtt = url !== undefined && ['mqtt:', 'mqtts:'].includes(url.protocol);
  if (isMqtt && url.hostname !== '' && url.password === '') return value;
  const why = isMqtt ? 'has a password, which belongs into a file' : 'is no mqtt://user@host:port';
  throw new HoldfastError('HF_CONFIG_INVALID', { why: `${place} ${why}` });
}

/** As above. */
function webProxy(value: string, place: string): string {
  const problem = proxyProblem(value);
  if (problem === undefined) return value;
  throw new HoldfastError('HF_CONFIG_INVALID', { why: `${place} ${problem}` });
}

type Defined<T> = { [K in keyof T]?: Exclude<T[K], undefined> };

/** Without what is undefined. */
function defined<T extends object>(fields: T): Defined<T> {
  const kept = Object.entries(fields).filter(([, value]) => value !== undefined);
  // The same fields, without some of them.
  return Object.fromEntries(kept) as Defined<T>;
}
