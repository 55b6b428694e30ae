import {
  eachLane,
  errorCatalogue,
  isErrorCode,
  unreachable,
  type LinkDown,
  type PerLane,
} from '@holdfast/protocol';
import { isDrained, laneOf } from './uplink-lanes.ts';
import type { UplinkState } from './uplink-state.ts';
import { problemOf } from './uplink-stream.ts';
import type { LinkState, LinkView, Problem } from './views.ts';

/** What the status shows of the link; the address of the gateway is known elsewhere. */
export interface UplinkView extends Omit<LinkView, 'gateway'> {
  /** Highest seq handed to the broker in this session, a lane; 0 outside sessions. */
  readonly sent: PerLane<number>;
  /** Highest seq ever handed to the broker, a lane. */
  readonly sentThrough: PerLane<number>;
  /** Messages that were dropped because they were not genuine or not of the protocol. */
  readonly rejected: number;
  /** Genuine messages that came again, or late, and changed nothing. */
  readonly stale: number;
}

/** What a person would call the state the machine is in, and why it is no better. */
export function linkStateOf(state: UplinkState): {
  readonly state: LinkState;
  readonly problem: Problem | null;
} {
  const reason = state.memory.reason;
  switch (state.kind) {
    case 'offline':
      return { state: 'offline', problem: problemView(reason) };
    case 'connecting':
    case 'greeting':
      return { state: 'connecting', problem: problemView(reason) };
    case 'refused':
      return { state: 'stuck', problem: problemView(reason) };
    case 'streaming': {
      const blocked = state.lanes.find((flow) => flow.blocked !== undefined)?.blocked?.reason;
      if (blocked !== undefined) return { state: 'stuck', problem: problemView(blocked) };
      if (state.lanes.some((flow) => flow.giveUpAtMs !== undefined)) {
        const silence = problemOf('HF_GATEWAY_SILENT', 'nothing is acknowledged');
        return { state: 'stuck', problem: problemView(silence) };
      }
      return { state: isDrained(state) ? 'synced' : 'syncing', problem: null };
    }
    default:
      return unreachable(state);
  }
}

function problemView(reason: LinkDown | undefined): Problem | null {
  if (reason === undefined) return null;
  const hint = isErrorCode(reason.code)
    ? errorCatalogue[reason.code].hint
    : 'The gateway may be of a newer version: see what its documentation says of this code.';
  return { code: reason.code, message: reason.message, hint };
}

/** Wall and monotonic time of one moment: what was noted in one is shown in the other. */
export interface BothTimes {
  readonly wallMs: number;
  readonly monoMs: number;
}

/** @param sinceMs Monotonic time since which the link is in this state, or tries to leave it. */
export function viewOf(
  state: UplinkState,
  sinceMs: number,
  now: BothTimes,
): Omit<UplinkView, 'metered' | 'stale'> {
  const at = (monoMs: number | undefined) =>
    monoMs === undefined || !Number.isFinite(monoMs)
      ? null
      : new Date(now.wallMs + monoMs - now.monoMs).toISOString();
  const { memory } = state;
  const isWaiting = state.kind === 'offline' || state.kind === 'refused';
  return {
    ...linkStateOf(state),
    since: at(sinceMs),
    lastAckAt: at(memory.lastAckAtMs),
    nextTryAt: at(isWaiting ? state.retryAtMs : undefined),
    attempt: state.kind === 'streaming' ? 0 : memory.attempt,
    resends: memory.resends,
    sent: eachLane((lane) => (state.kind === 'streaming' ? laneOf(state, lane).sent : 0)),
    sentThrough: memory.sentThrough,
    rejected: memory.rejected,
  };
}
