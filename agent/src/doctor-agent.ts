import { formatBytes, PROTOCOL_VERSION } from '@holdfast/protocol';
import { agentVersion } from './agent-version.ts';
import { failed, found } from './core/finding.ts';
import type { Findings, Patient } from './doctor-patient.ts';

export function agent({ status }: Patient): Findings {
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

export function power({ status }: Patient): Findings {
  if (status === undefined) return [];
  const { lastEnd, tornBytes, running } = status.agent;
  const whose = running ? 'the agent before this one' : 'the agent';
  const torn = `${formatBytes(tornBytes)} of a last write were torn, of which nobody was told`;
  const cut = tornBytes === 0 ? 'no write was torn' : torn;
  const ends = {
    clean: `${whose} was closed in order`,
    killed: `${whose} was killed; ${cut}`,
    cut: `${whose} ended with the machine, which lost its power or was restarted; ${cut}`,
  };
  return [found('power', 'ok', ends[lastEnd])];
}

export function versions({ status }: Patient): Findings {
  const { node } = process.versions;
  const own = `agent ${agentVersion} · Node ${node} · protocol ${PROTOCOL_VERSION}`;
  const problem = status?.link.problem;
  if (problem?.code === 'HF_VERSION_UNSUPPORTED') return [failed('versions', problem)];
  const { state } = status?.link ?? {};
  const isSpoken = state === 'synced' || state === 'syncing';
  return [found('versions', 'ok', isSpoken ? `${own}, which the gateway speaks` : own)];
}

/** A clock that is off by less harms nobody. */
const CLOCK_OFF_MS = 5_000;
/** By more, certificates and whatever a person reads in times are wrong. */
const CLOCK_WRONG_MS = 300_000;
/** Before this was written no clock can be right. */
const EARLIEST_MS = Date.UTC(2026, 0, 1);

export function clock({ status, nowMs }: Patient): Findings {
  const hint = 'Order never depends on it; times are corrected once the gateway tells the time.';
  const service = 'Install a time service such as chrony: certificates are judged by this clock.';
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
  const isWrong = Math.abs(known.wallAheadMs) >= CLOCK_WRONG_MS;
  return [found('clock', isWrong ? 'failure' : 'warning', text, isWrong ? service : hint)];
}
