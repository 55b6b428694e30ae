import {
  MESSAGE_BYTES_MAX,
  brokerProfile,
  type BrokerProfile,
  type Log,
} from '@holdfast/protocol';
import type { AgentOptions } from './agent-options.ts';
import { makeReport, type AgentFacts } from './core/agent-surface.ts';
import type { DeviceTime } from './core/device-time.ts';
import type { Inspector } from './core/inspect.ts';
import type { Journal } from './core/journal.ts';
import type { LifeEnd } from './core/life-end.ts';
import type { LinkMeter } from './core/link-meter.ts';
import type { Runtime } from './core/runtime.ts';
import { createUplink, type Uplink } from './core/uplink-shell.ts';
import { UplinkMeter } from './core/uplink-meter.ts';
import type { UplinkLimits } from './core/uplink-state.ts';
import type { Outlived } from './core/uplink-verdict.ts';
import { UsualRate } from './core/usual-rate.ts';
import { DeviceCredentials } from './device-credentials.ts';
import type { KnownBroker } from './io/broker-memory.ts';
import { systemChance } from './io/chance.ts';
import type { DataDir } from './io/data-dir.ts';
import { deflateBeside } from './io/deflate.ts';
import { DeviceSigner, openGatewayPin, verify } from './io/device-key.ts';
import { readEnrolment } from './io/enrolment-file.ts';
import { settleKeyChange } from './io/key-change.ts';
import { createMqttDial } from './io/mqtt-dial.ts';
import { systemClock } from './io/system-clock.ts';
import { KeyOrders } from './key-orders.ts';

/** How a device is to reach its gateway. */
export type DialOf = ReturnType<typeof createMqttDial>;

/** The options, with what the device was told when it was enrolled where they say nothing. */
export function enrolledOptions(options: AgentOptions): AgentOptions {
  settleKeyChange(options.dataDir);
  const enrolment = readEnrolment(options.dataDir);
  if (enrolment === undefined) return options;
  const { device, gateway } = enrolment;
  return { device, gateway, ...options };
}

export interface UplinkParts {
  readonly dir: DataDir;
  readonly log: Log;
  readonly facts: AgentFacts;
  readonly clock: DeviceTime;
  readonly journal: Journal;
  readonly runtime: Runtime;
  readonly inspector: Inspector;
  readonly lifeEnd: LifeEnd;
  readonly broker: KnownBroker;
  readonly meter: LinkMeter | undefined;
}

/** @throws HF_GATEWAY_ADDRESS, HF_CONFIG_INVALID. Nothing is connected yet. */
export function dialOf(options: AgentOptions): DialOf | undefined {
  const { gateway: url, tls, password, proxy, uplink, metered, mqttVersion } = options;
  if (url === undefined) return undefined;
  const profile = brokerProfile(options.brokerProfile ?? 'generic');
  const keepaliveS = metered === undefined ? KEEPALIVE_S : METERED_KEEPALIVE_S;
  return createMqttDial({
    url,
    // It knows better than the uplink what was missing, so it gives up first.
    ...(uplink?.connectMs === undefined ? {} : { connectMs: uplink.connectMs * 0.75 }),
    keepaliveS: Math.min(keepaliveS, profile.keepaliveSMax),
    ...(mqttVersion === undefined ? {} : { mqttVersion }),
    ...(tls === undefined ? {} : { tls }),
    ...(proxy === undefined ? {} : { proxy }),
    ...(password === undefined ? {} : { password }),
  });
}

const KEEPALIVE_S = 30;
/** A link that costs is not asked more often than that whether it is there, nor reports. */
const METERED_KEEPALIVE_S = 240;
const METERED_REPORT_MS = 15 * 60_000;
/** A hello or a report may be on its way beside the batches. */
const OTHERS_IN_FLIGHT = 2;

/** What the uplink keeps to with this broker. */
function limitsOf(profile: BrokerProfile): Partial<UplinkLimits> {
  const { messageBytesMax, inflightMax, inflightBytesMax, publishesPerS, bytesPerS } = profile;
  return {
    messageBytesMax: Math.min(messageBytesMax, MESSAGE_BYTES_MAX),
    inflightMax: Math.max(1, inflightMax - OTHERS_IN_FLIGHT),
    ...{ inflightBytesMax, publishesPerS, bytesPerS },
  };
}

export interface OpenedUplink {
  readonly uplink: Uplink;
  readonly uplinkMeter: UplinkMeter;
  readonly credentials: DeviceCredentials;
}

/** The uplink of an agent, that has not begun, and what measures it. */
export function openUplink(
  options: AgentOptions,
  dial: DialOf,
  parts: UplinkParts,
): OpenedUplink {
  const { dir, log, facts, clock, journal, runtime, inspector, lifeEnd, broker, meter } = parts;
  const profile = brokerProfile(options.brokerProfile ?? 'generic');
  const seldom = meter === undefined ? {} : { reportEveryMsMin: METERED_REPORT_MS };
  const report = async () => {
    const oldestAtMs = await inspector.oldestAtMs();
    // By the system's own clock: the gateway says how far that is off.
    return makeReport({ facts, clock: systemClock, journal, oldestAtMs, counts: runtime.counts() });
  };
  const { device, path } = dir;
  const signer = new DeviceSigner(path);
  const pin = openGatewayPin(path);
  const chance = systemChance;
  const { gateway, proxy } = options;
  const known = { dataDir: path, signer, gateway, proxy, clock, chance, log };
  const credentials = new DeviceCredentials(known, () => uplink.nudge());
  const apply = (...args: Parameters<Runtime['applyCommands']>) => runtime.applyCommands(...args);
  const side = { lastCommand: () => runtime.lastCommand(), applyCommands: apply, report };
  const security = { signer, verify, pin, broker, chance };
  const onOutlived = (outlived: Outlived): void => void lifeEnd.end(outlived);
  const usual = new UsualRate(journal, clock, broker);
  const uplinkMeter = new UplinkMeter(clock, journal, usual);
  const onTime = (atMs: number, tookMs: number): void => {
    clock.heard(atMs, tookMs);
    uplinkMeter.heard(tookMs);
  };
  const watched = credentials.watch(dial(device, () => credentials.get()));
  const link = { dial: uplinkMeter.dial(watched), onOutlived, onTime };
  const uplink: Uplink = createUplink(
    { journal, runtime: side, clock, log, deflate: deflateBeside, meter, ...link, ...security },
    {
      ...{ device, agentVersion: facts.version, machine: Buffer.from(dir.machine, 'hex') },
      limits: { ...limitsOf(profile), ...seldom, ...options.uplink },
    },
  );
  uplinkMeter.watch(uplink);
  const orders = new KeyOrders({ runtime, credentials, clock, log });
  const close = async (): Promise<void> => {
    orders.close();
    credentials.close();
    await uplink.close();
  };
  return { uplink: withClose(uplink, close), uplinkMeter, credentials };
}

function withClose(uplink: Uplink, close: () => Promise<void>): Uplink {
  return {
    start: () => uplink.start(),
    nudge: () => uplink.nudge(),
    state: () => uplink.state(),
    onChange: (listener) => uplink.onChange(listener),
    close,
  };
}
