import {
  checkName,
  createLog,
  Exit,
  messageOf,
  type ExitCode,
  type LogLevel,
  type BrokerProfileName,
  type MqttVersion,
} from '@holdfast/protocol';
import { readPolicy, type HandlerPolicy } from '../core/handler-policy.ts';
import { readRule } from '../core/retention/rules.ts';
import type { GatewayOptions } from '../gateway-options.ts';
import { checkConflicts } from './serve-conflicts.ts';
import { ledgerAddress, shownAddress } from './ledger-address.ts';
import { usage } from './options.ts';
import type { Terminal } from './terminal.ts';
import { version } from '../version.ts';

export interface ServeOptions {
  readonly dataDir: string;
  /** 0: the system chooses. `undefined`: not given. */
  readonly mqttPort?: number;
  readonly httpPort: number;
  readonly host: string;
  readonly broker?: string;
  readonly brokerProfile?: BrokerProfileName;
  readonly mqttVersion?: MqttVersion;
  readonly ledger?: string;
  readonly ledgerFile?: string;
  readonly tlsCert?: string;
  readonly tlsKey?: string;
  readonly tlsCa?: string;
  readonly httpCert?: string;
  readonly httpKey?: string;
  readonly tlsName?: readonly string[];
  readonly insecure?: true;
  readonly requireCertificate?: true;
  readonly certificateLife?: string;
  readonly enrollment?: 'open' | 'required';
  readonly handler?: readonly string[];
  readonly handlers?: string;
  readonly handlerPolicy?: readonly string[];
  readonly reportEvery?: string;
  readonly retention?: readonly string[];
  readonly keepCommands: string;
  readonly region?: string;
  readonly webhookAllowPrivate?: true;
  readonly connectsPerS: number;
  readonly logFormat: 'text' | 'json';
  readonly logLevel: LogLevel;
}

/** As they were given, before it is known whether all that is needed was. */
export type ServeFlags = Omit<ServeOptions, 'dataDir'> & {
  readonly dataDir?: string;
  readonly config?: string;
};

export const HTTP_PORT_DEFAULT = 8_080;

/** @throws HF_USAGE when what every gateway needs is not there. */
export function checkServe({ dataDir, ...rest }: ServeFlags): ServeOptions {
  if (dataDir !== undefined) return { ...rest, dataDir };
  throw usage('required: --data-dir, as an option or in the file of --config');
}

/** Runs a gateway until a signal asks it to end. */
export async function serve(options: ServeOptions, terminal: Terminal): Promise<ExitCode> {
  const { dataDir, host, httpPort, broker, handlers: handlersFile } = options;
  checkConflicts(options);
  const log = createLog({
    component: 'gateway',
    level: options.logLevel,
    format: options.logFormat,
    nowMs: () => Date.now(),
    write: (line) => void process.stderr.write(`${line}\n`),
  });
  const endpoints = readEndpoints(options.handler ?? []);
  const ledger = await ledgerAddress(options);
  const ended = untilSignal(() => log.info('the gateway is stopping'));
  const { Gateway } = await import('../gateway.ts');
  const gateway = await Gateway.open({
    dataDir,
    log,
    mqttHost: host,
    mqttPort: options.mqttPort,
    broker,
    brokerProfile: options.brokerProfile,
    mqttVersion: options.mqttVersion,
    ledger,
    tls: tlsFiles(options),
    tlsNames: options.tlsName,
    insecure: options.insecure,
    requireCertificate: options.requireCertificate,
    certificateLife: options.certificateLife,
    enrollment: options.enrollment,
    httpHost: host,
    httpPort,
    httpTls: httpTlsFiles(options),
    endpoints,
    handlersFile,
    handlerPolicies: readPolicies(options.handlerPolicy ?? []),
    reportEvery: options.reportEvery,
    webhookAllowPrivate: options.webhookAllowPrivate,
    region: options.region,
    retention: (options.retention ?? []).map(readRule),
    keepCommands: options.keepCommands,
    connectsPerS: options.connectsPerS,
  });
  onCrash((error) => log.error('a fault ends the gateway', { why: messageOf(error) }));
  const { mqttUrl: mqtt, httpUrl: http, tokenFile } = gateway;
  const place = ledger === undefined ? dataDir : shownAddress(ledger);
  announce(terminal, { mqtt, http, place, tokenFile });
  const failure = await Promise.race([ended, gateway.failed]);
  await gateway.close();
  if (failure !== undefined) throw failure;
  return Exit.ok;
}

function tlsFiles(options: ServeOptions): GatewayOptions['tls'] {
  const { tlsCert: cert, tlsKey: key, tlsCa: ca } = options;
  const isGiven = [cert, key, ca].some((file) => file !== undefined);
  return isGiven ? { cert, key, ca } : undefined;
}

function httpTlsFiles({ httpCert: cert, httpKey: key }: ServeOptions): GatewayOptions['httpTls'] {
  return cert === undefined && key === undefined ? undefined : { cert, key };
}

/** Reads `NAME=URL` texts. Whether the URL can be used is for the gateway to say. */
function readEndpoints(texts: readonly string[]): ReadonlyMap<string, string> {
  const endpoints = new Map<string, string>();
  for (const text of texts) {
    const at = text.indexOf('=');
    if (at < 1) throw usage(`--handler is ${JSON.stringify(text)}, not NAME=URL`);
    const service = checkName('service', text.slice(0, at));
    if (endpoints.has(service)) throw usage(`--handler is given twice for ${service}`);
    endpoints.set(service, text.slice(at + 1));
  }
  return endpoints;
}

/** Reads `NAME:SETTINGS` texts. */
function readPolicies(texts: readonly string[]): ReadonlyMap<string, Partial<HandlerPolicy>> {
  return new Map(
    texts.map((text) => {
      // A name may have a colon, and settings have none.
      const at = text.lastIndexOf(':');
      if (at < 1) throw usage(`--handler-policy is ${JSON.stringify(text)}, not NAME:SETTINGS`);
      return [checkName('service', text.slice(0, at)), readPolicy(text.slice(at + 1))] as const;
    }),
  );
}

interface Listening {
  readonly mqtt: string;
  readonly http: string;
  /** Where the ledger is. */
  readonly place: string;
  readonly tokenFile: string;
}

function announce(terminal: Terminal, { mqtt, http, place, tokenFile }: Listening): void {
  const { pid } = process;
  if (terminal.format === 'json') {
    terminal.print(JSON.stringify({ schema: 'holdfast.listening/1', mqtt, http, pid, tokenFile }));
    return;
  }
  const lines = [
    `holdfast-gateway ${version()} is ready.`,
    `  devices    ${mqtt}`,
    `  dashboard  ${http}, with the API under /api`,
    `  ledger     ${place}`,
    'Ctrl-C stops it; nothing that was acked is lost.',
  ];
  terminal.print(lines.join('\n'));
}

/** Exit code of a process that a second signal ended, as shells have it. */
const FORCED = 130;

/** Resolves at the first SIGTERM or SIGINT; the second one ends the process at once. */
function untilSignal(onFirst: () => void): Promise<undefined> {
  return new Promise((resolve) => {
    let asked = false;
    for (const signal of ['SIGTERM', 'SIGINT'] as const) {
      process.on(signal, () => {
        if (asked) process.exit(FORCED);
        asked = true;
        onFirst();
        resolve(undefined);
      });
    }
  });
}

/** A fault of ours or a handler's: what the ledger holds is whole, and a supervisor starts anew. */
function onCrash(report: (error: unknown) => void): void {
  for (const event of ['uncaughtException', 'unhandledRejection'] as const) {
    process.on(event, (error: unknown) => {
      report(error);
      process.exit(Exit.bug);
    });
  }
}
