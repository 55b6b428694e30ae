import {
  brokerProfile,
  HoldfastError,
  messageOf,
  type BrokerProfileName,
} from '@holdfast/protocol';
import { agentVersion } from './agent-version.ts';
import { checkStore } from './check-store.ts';
import { connectProof, deviceTls } from './device-credentials.ts';
import { failed, found, type Finding } from './core/finding.ts';
import type { RunView, StatusView } from './core/views.ts';
import { isOneHost, isTlsAddress } from './io/broker-address.ts';
import type { HttpProxy } from './core/proxy-address.ts';
import { openBrokerMemory } from './io/broker-memory.ts';
import { checkBroker } from './io/checks/broker-check.ts';
import { checkCertificates } from './io/checks/certificate-check.ts';
import { checkDisk } from './io/checks/disk-check.ts';
import { readEnrolment } from './io/enrolment-file.ts';
import { checkUplink, type UplinkTarget } from './io/checks/uplink-check.ts';

/** What is known of a device before it is looked at. */
export interface Patient {
  /** What the agent, or its store, says of itself; `undefined`: neither can be asked. */
  readonly status: StatusView | undefined;
  /** Runs that wait for a person, some of them. */
  readonly stuck: readonly RunView[];
  readonly dataDir: string | undefined;
  readonly storeKey: string | undefined;
  /** Where the gateway is, if that is known. */
  readonly uplink: KnownUplink | undefined;
  /** Through which its gateway is reached, wherever that is. */
  readonly proxy?: HttpProxy | undefined;
  readonly nowMs: number;
}

/** Where a gateway is, and what its broker is taken for. */
export interface KnownUplink extends Omit<UplinkTarget, 'device' | 'onPacketMax'> {
  /** Default `generic`. */
  readonly brokerProfile?: BrokerProfileName;
}

/**
 * The checks of a device, in the order in which a person reads them. Never rejects.
 *
 * @param isWanted Whether a check is to be made, by its name. Default: each.
 */
export async function examine(
  given: Patient,
  isWanted: (check: string) => boolean = () => true,
): Promise<readonly Finding[]> {
  const patient = { ...given, uplink: uplinkOf(given) };
  const wanted = Object.entries(checks).filter(([name]) => isWanted(name));
  const findings = await Promise.all(
    wanted.map(async ([name, check]) => {
      try {
        return await check(patient);
      } catch (error) {
        return [failed(name, asError(error))];
      }
    }),
  );
  return findings.flat();
}

/** Where the gateway is, and what is shown to it, with what the device was told at enrolment. */
function uplinkOf({ dataDir, uplink: named, proxy }: Patient): Patient['uplink'] {
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

type Findings = readonly Finding[] | Promise<readonly Finding[]>;

/** By the names that their findings have. */
const checks: Readonly<Record<string, (patient: Patient) => Findings>> = {
  ...{ agent, store, disk, clock, uplink, certificate, runs },
};

function asError(error: unknown): HoldfastError {
  if (error instanceof HoldfastError) return error;
  return new HoldfastError('HF_INTERNAL', { why: messageOf(error) });
}

function agent({ status }: Patient): Findings {
  // Why it cannot be asked is known to whoever asked.
  if (status === undefined) return [];
  if (!status.agent.running) {
    return [
      found('agent', 'warning', 'it does not run', 'Start it: what it has journaled is safe.'),
    ];
  }
  const { version, pid } = status.agent;
  if (version !== agentVersion) {
    const text = `it runs as ${version}, and ${agentVersion} is installed`;
    return [found('agent', 'warning', text, 'Restart it; runs go on where they are.')];
  }
  return [found('agent', 'ok', `it runs as ${version}, pid ${pid}`)];
}

/** Codes of problems that other checks tell of. */
const elsewhere: ReadonlySet<string> = new Set([
  'HF_RUN_STUCK',
  'HF_DATA_DIR_FILE_SYSTEM',
  'HF_ENTRY_UNSENDABLE',
]);

async function store({ status, dataDir, storeKey }: Patient): Promise<readonly Finding[]> {
  if (status?.agent.running === true) {
    const { journal, link, problems } = status;
    const known = problems.filter((each) => !elsewhere.has(each.code) && each !== link.problem);
    const own = journal.problem === null ? [] : [journal.problem];
    const faults = [...own, ...known.filter(({ code: each }) => each !== link.problem?.code)];
    if (faults.length > 0) return faults.map((each) => failed('store', each));
    return [found('store', 'ok', 'the agent reads and writes it')];
  }
  if (dataDir === undefined) return [found('store', 'skipped', 'no data directory is named')];
  const { state, why, entries, faults, mismatches } = await checkStore(dataDir, storeKey);
  if (state === 'sound' || state === 'torn') {
    return [found('store', 'ok', `every byte of ${entries} entries is sound`)];
  }
  const text = why ?? [...faults.map((each) => each.why), ...mismatches].join('; ');
  return [found('store', 'failure', `it is ${state}: ${text}`, 'Start the agent: it salvages it.')];
}

function disk({ dataDir }: Patient): Findings {
  if (dataDir === undefined) return [found('disk', 'skipped', 'no data directory is named')];
  return checkDisk(dataDir);
}

/** A clock that is off by less harms nobody. */
const CLOCK_OFF_MS = 5_000;
/** Before this was written no clock can be right. */
const EARLIEST_MS = Date.UTC(2026, 0, 1);

function clock({ status, nowMs }: Patient): Findings {
  const hint = 'Order never depends on it; times are corrected once the gateway tells the time.';
  if (nowMs < EARLIEST_MS) {
    const text = `the system says ${new Date(nowMs).toISOString()}`;
    return [found('clock', 'failure', text, 'Set it, or install a time service such as chrony.')];
  }
  const known = status?.clock;
  if (known === undefined || known === null) {
    return [found('clock', 'skipped', 'the agent does not run, which compares it')];
  }
  if (known.source === 'none') {
    return [found('clock', 'warning', 'nobody has confirmed the time since boot', hint)];
  }
  const off = Math.round(known.wallAheadMs / 1_000);
  const by = known.source === 'gateway' ? 'the gateway' : 'the time service of the system';
  if (Math.abs(known.wallAheadMs) < CLOCK_OFF_MS) {
    return [found('clock', 'ok', `${by} confirms it`)];
  }
  const text = `it is ${Math.abs(off)} s ${off > 0 ? 'ahead of' : 'behind'} ${by}`;
  return [found('clock', 'warning', text, hint)];
}

async function uplink({ status, uplink: target, dataDir }: Patient): Promise<readonly Finding[]> {
  const link = status?.link;
  const isRunning = status?.agent.running === true;
  const url = target?.url ?? link?.gateway ?? undefined;
  if (url === undefined) return [found('uplink', 'skipped', 'no gateway is named')];
  const way = { ...target, url };
  const own = isRunning || status === undefined ? {} : { device: status.device };
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

/** What the agent knows of the way that only it can go. */
function session(link: StatusView['link']): Finding {
  if (link.state === 'synced' || link.state === 'syncing') {
    return found('uplink', 'ok', `the gateway answers; it is ${link.state}`);
  }
  if (link.problem === null) return found('uplink', 'warning', `the link is ${link.state}`);
  if (link.state === 'stuck') return failed('uplink', link.problem);
  // Offline is a normal state, with a reason that is worth a look.
  return { ...failed('uplink', link.problem), level: 'warning' };
}

function certificate({ uplink: target, nowMs }: Patient): Findings {
  if (target?.tls === undefined) return [];
  return checkCertificates(target.tls, nowMs);
}

function runs({ status, stuck }: Patient): Findings {
  if (status === undefined) return [];
  const count = status.runs.stuck ?? 0;
  if (count === 0) return [found('runs', 'ok', 'none waits for a person')];
  return stuck.map(({ id, workflow, error }) => {
    const why = error === undefined ? '' : `: ${error.message}`;
    const hint = `holdfast workflow show ${id}`;
    const finding = found('runs', 'failure', `${id} of ${workflow} is stuck${why}`, hint);
    return error?.code === undefined ? finding : { ...finding, code: error.code };
  });
}
