import {
  HASH_BYTES,
  MESSAGE_BYTES_MAX,
  TRIAL_EPOCH,
  eachLane,
  laneIndex,
  lanes,
  negotiate,
  type ErrorCode,
  type Hello,
  type LaneVerdict,
  type Message,
  type PerLane,
} from '@holdfast/protocol';
import type { DeviceRecord } from './ledger.ts';
import type { Greeted, SessionLimits } from './session-events.ts';

/** What people are told of a device whose journal cannot go on as it is. */
export function problemOf(
  { hello, record }: Greeted,
  verdicts: PerLane<LaneVerdict>,
): { readonly code: ErrorCode; readonly why: string } | undefined {
  if (hello.epoch < record.epoch) {
    const why = `it is in epoch ${hello.epoch}, and ${record.epoch} is known here`;
    return { code: 'HF_JOURNAL_REWOUND', why };
  }
  const stands = lanes
    .filter((lane) => verdicts[laneIndex(lane)] !== 'ok')
    .map((lane) => {
      const { head, acked } = hello.lanes[laneIndex(lane)];
      const { watermark } = record.lanes[laneIndex(lane)];
      return `${lane}: ${head} there, ${acked} of them acknowledged, ${watermark} here`;
    });
  if (stands.length === 0) return undefined;
  const isForked = verdicts.includes('forked');
  const code = isForked ? 'HF_CHAIN_BROKEN' : 'HF_JOURNAL_REWOUND';
  return { code, why: stands.join('; ') };
}

interface Welcomed {
  readonly hello: Hello;
  readonly record: Pick<DeviceRecord, 'epoch' | 'lanes'>;
}

interface Moment {
  readonly nowMs: number;
  readonly limits: SessionLimits;
}

/** What a device is greeted with that only tries the way: of what the ledger has it is not told. */
export function trialWelcomeOf(hello: Hello, moment: Moment): Message {
  const lane = { watermark: 0, hash: new Uint8Array(HASH_BYTES) };
  const record = { epoch: TRIAL_EPOCH, lanes: eachLane(() => lane) };
  return welcomeOf({ hello, record }, eachLane(() => 'ok'), moment);
}

/** What a device is greeted with. */
export function welcomeOf(
  { hello, record }: Welcomed,
  verdicts: PerLane<LaneVerdict>,
  { nowMs, limits }: Moment,
): Message {
  return {
    kind: 'welcome',
    protocol: negotiate(hello) ?? 0,
    session: hello.session,
    gateway: limits.gateway,
    publicKey: limits.publicKey,
    nowMs,
    lanes: eachLane((lane) => ({
      ...record.lanes[laneIndex(lane)],
      verdict: verdicts[laneIndex(lane)],
    })),
    batchBytesMax: MESSAGE_BYTES_MAX,
    inflightMax: limits.inflightMax,
    reportEveryMs: limits.reportEveryMs,
    reconnectSpreadMs: limits.reconnectSpreadMs,
    epoch: record.epoch,
  };
}
