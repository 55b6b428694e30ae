import { brokerProfile } from '@holdfast/protocol';
import { failed, found, type Finding } from './core/finding.ts';
import type { StatusView } from './core/views.ts';
import { connectProof, deviceTls } from './device-credentials.ts';
import type { Patient } from './doctor-patient.ts';
import { isOneHost, isTlsAddress } from './io/broker-address.ts';
import { openBrokerMemory } from './io/broker-memory.ts';
import { checkBroker } from './io/checks/broker-check.ts';
import type { Greeting } from './io/checks/greeting.ts';
import { checkUplink, type UplinkTarget } from './io/checks/uplink-check.ts';
import { deviceKeyName, openDeviceKey, openGatewayPin } from './io/device-key.ts';
import { readEnrolment } from './io/enrolment-file.ts';
import { trialGreeting } from './trial-greeting.ts';

/** Where the gateway is, and what is shown to it, with what the device was told at enrolment. */
export function uplinkOf({ dataDir, uplink: named, proxy }: Patient): Patient['uplink'] {
  const access = dataDir === undefined ? undefined : enrolledAccess(dataDir);
  const enrolled = access && { ...access, ...(proxy === undefined ? {} : { proxy }) };
  if (enrolled === undefined) return named;
  if (named === undefined) return enrolled;
  return isOneHost(named.url, enrolled.url) ? { ...enrolled, ...named } : named;
}

function enrolledAccess(dataDir: string): Patient['uplink'] {
  try {
    const enrolment = readEnrolment(dataDir);
    if (enrolment === undefined) return undefined;
    const { gateway: url, device: id } = enrolment;
    const password = connectProof(dataDir, id);
    const tls = isTlsAddress(url) ? { tls: deviceTls(dataDir, enrolment) } : {};
    return { url, ...tls, ...(password === undefined ? {} : { password }) };
  } catch {
    return undefined; // What is wrong with the files is told where they are needed.
  }
}

/** The way to the gateway, and what its broker takes. */
export async function uplink(patient: Patient): Promise<readonly Finding[]> {
  const { status, uplink: target, dataDir } = patient;
  const link = status?.link;
  const isRunning = status?.agent.running === true;
  const url = target?.url ?? link?.gateway ?? undefined;
  if (url === undefined) return [found('uplink', 'skipped', 'no gateway is named')];
  const way = { ...target, url };
  const own = isRunning || status === undefined ? {} : asDevice(status.device, dataDir);
  let packetBytesMax: number | undefined;
  const onPacketMax = (bytes: number): void => void (packetBytesMax = bytes);
  const reached = await checkUplink({ ...way, ...own, onPacketMax });
  const name = target?.brokerProfile ?? 'generic';
  const learned =
    dataDir === undefined ? undefined : openBrokerMemory(dataDir, `${url} ${name}`).load();
  const setAside = status?.backlog.setAside ?? [];
  const limits = checkBroker({ profile: brokerProfile(name), packetBytesMax, learned, setAside });
  if (!isRunning || link === undefined) return [reached, ...limits];
  return [reached, session(link), ...limits];
}

/** Speaks as the device; to the gateway, too, where it has the key for that. */
function asDevice(
  device: string,
  dataDir: string | undefined,
): Pick<UplinkTarget, 'device' | 'greeting'> {
  return { device, greeting: greetingOf(device, dataDir) };
}

function greetingOf(device: string, dataDir: string | undefined): Greeting | undefined {
  if (dataDir === undefined || deviceKeyName(dataDir) === undefined) return undefined;
  const gatewayKey = openGatewayPin(dataDir).load();
  return trialGreeting({ device, signer: openDeviceKey(dataDir), gatewayKey });
}

/** Of these a link recovers by itself, as of any outage. */
const passing: ReadonlySet<string> = new Set(['HF_GATEWAY_UNREACHABLE', 'HF_LINK_LOST']);

/** What the agent knows of the way that only it can go. */
function session(link: StatusView['link']): Finding {
  if (link.state === 'synced' || link.state === 'syncing') {
    return found('uplink', 'ok', `the gateway answers; it is ${link.state}`);
  }
  if (link.problem === null) return found('uplink', 'warning', `the link is ${link.state}`);
  const finding = failed('uplink', link.problem);
  // Offline is a normal state, with a reason that is worth a look.
  return passing.has(link.problem.code) ? { ...finding, level: 'warning' } : finding;
}
