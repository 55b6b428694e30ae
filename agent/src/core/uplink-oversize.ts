import { MESSAGE_BYTES_MAX } from '@holdfast/protocol';
import { TRIAL_SENDS_MAX, observeTrial, sendsOf } from './uplink-cap.ts';
import { withLane } from './uplink-lanes.ts';
import type {
  InState,
  UplinkEffect,
  UplinkEvent,
  UplinkLimits,
  UplinkStep,
} from './uplink-state.ts';
import { problemOf, sendMore } from './uplink-stream.ts';

type Oversize = Extract<UplinkEvent, { readonly kind: 'oversize' }>;

/**
 * An entry that cannot be made smaller is above what is known to pass. What is above every limit
 * that was told is set aside at once. Else it is sent, up to three times, each on a link that has
 * held without it: a bad link must not cost an entry.
 */
export function takeOversize(
  state: InState<'streaming'>,
  event: Oversize,
  limits: UplinkLimits,
): UplinkStep {
  const { lane, seqFirst: seq, bytes, nowMs } = event;
  const { session, memory } = state;
  const sends = sendsOf(memory.cap, { lane, seq });
  const isForbidden = bytes > state.messageBytesMax;
  if (isForbidden || sends >= TRIAL_SENDS_MAX) {
    const cap = isForbidden ? memory.cap : { ...memory.cap, trial: undefined };
    const remember: UplinkEffect[] = isForbidden ? [] : [{ kind: 'remember', cap }];
    return {
      state: { ...state, memory: { ...memory, cap } },
      effects: [{ kind: 'setAside', session, lane, seq, bytes, reason: 'oversize' }, ...remember],
    };
  }
  const steadyAtMs = state.sinceMs + limits.stableMs;
  if (sends > 0 && nowMs < steadyAtMs) {
    const why = `lane ${lane}, seq ${seq}: ${bytes} bytes may be more than the broker takes`;
    const blocked = { reason: problemOf('HF_MESSAGE_TOO_LARGE', why), untilMs: steadyAtMs };
    const flows = withLane(state.lanes, lane, { blocked, giveUpAtMs: undefined });
    return sendMore({ ...state, sending: undefined, lanes: flows }, [], nowMs);
  }
  const one = { entriesMax: 1, entryBytesMax: 1, messageBytesMax: MESSAGE_BYTES_MAX };
  const request = { ...one, lane, seqFirst: seq, oneEntryBytesMax: bytes };
  return {
    state: { ...state, memory: { ...memory, cap: observeTrial(memory.cap, { lane, seq, bytes }) } },
    effects: [{ kind: 'send', session, ...request }],
  };
}
