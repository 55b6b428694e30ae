import {
  laneIndex,
  lanes,
  type Clock,
  type Dial,
  type Lane,
  type LinkEvent,
  counter,
  gauge,
  single,
  type Metric,
} from '@holdfast/protocol';
import type { Journal } from './journal.ts';
import type { Uplink } from './uplink-shell.ts';
import type { UsualRate } from './usual-rate.ts';
import type { LinkState } from './views.ts';

/** What an uplink has done since the process started. */
export class UplinkMeter {
  readonly #clock: Clock;
  readonly #journal: Pick<Journal, 'positions'>;
  readonly #usual: Pick<UsualRate, 'linked'> | undefined;
  /** What the ledger had when it began. */
  readonly #ackedBefore: readonly number[];
  #uplink: Pick<Uplink, 'state'> | undefined;
  readonly #connects = new Map<string, number>();
  #sentBytes = 0;
  #offlineMs = 0;
  /** Since when there is no session; `undefined`: there is one. */
  #offlineSinceMs: number | undefined;
  #roundTripMs: number | null = null;

  /** @param usual Is told when there is a session and when there is none. */
  constructor(
    clock: Clock,
    journal: Pick<Journal, 'positions'>,
    usual?: Pick<UsualRate, 'linked'>,
  ) {
    this.#clock = clock;
    this.#usual = usual;
    this.#journal = journal;
    this.#ackedBefore = journal.positions().map(({ acked }) => acked);
    this.#offlineSinceMs = clock.monoMs();
  }

  /** Notes when there is a session and when there is none. */
  watch(uplink: Pick<Uplink, 'state' | 'onChange'>): void {
    this.#uplink = uplink;
    uplink.onChange(() => this.#changed(uplink.state().state));
  }

  /** The same dial, counted. */
  dial(dial: Dial): Dial {
    return (listen) => {
      let isUp = false;
      const link = dial((event) => {
        if (!isUp) this.#tried(event);
        isUp ||= event.kind === 'up';
        listen(event);
      });
      return {
        send: (channel, bytes) => {
          this.#sentBytes += bytes.byteLength;
          return link.send(channel, bytes);
        },
        close: () => link.close(),
        traffic: () => link.traffic?.() ?? 0,
      };
    };
  }

  /** The gateway has answered so long after it was asked. */
  heard(roundTripMs: number): void {
    this.#roundTripMs = roundTripMs;
  }

  metrics(): readonly Metric[] {
    const connects = [...this.#connects].map(([result, value]) => ({ labels: { result }, value }));
    const nowMs = this.#clock.monoMs();
    const offlineMs = this.#offlineMs + nowMs - (this.#offlineSinceMs ?? nowMs);
    const roundTrip = this.#roundTripMs === null ? null : this.#roundTripMs / 1_000;
    const isOffline = 'Time without a session.';
    const positions = this.#journal.positions();
    const { sentThrough, rejected = 0, stale = 0 } = this.#uplink?.state() ?? {};
    const isRejected = 'Messages that came and were not genuine, or not of the protocol.';
    const isStale = 'Messages that came again, or late, and changed nothing.';
    const acked = this.#beyond((lane) => positions[laneIndex(lane)].acked);
    const sent = this.#beyond((lane) => sentThrough?.[laneIndex(lane)] ?? 0);
    return [
      counter('uplink_connects_total', 'Attempts to connect that have ended.', connects),
      counter('uplink_offline_seconds_total', isOffline, single(offlineMs / 1_000)),
      counter('uplink_sent_total', 'Entries sent for the first time.', single(sent)),
      counter('uplink_acked_total', 'Entries acknowledged by the ledger.', single(acked)),
      counter('uplink_sent_bytes_total', 'Bytes of messages handed over.', single(this.#sentBytes)),
      counter('uplink_rejected_messages_total', isRejected, single(rejected)),
      counter('uplink_stale_messages_total', isStale, single(stale)),
      gauge('uplink_rtt_seconds', 'Time of the last hello to its welcome.', single(roundTrip)),
    ];
  }

  #changed(state: LinkState): void {
    const nowMs = this.#clock.monoMs();
    const isOnline = state === 'syncing' || state === 'synced';
    this.#usual?.linked(isOnline);
    if (!isOnline) this.#offlineSinceMs ??= nowMs;
    else if (this.#offlineSinceMs !== undefined) {
      this.#offlineMs += nowMs - this.#offlineSinceMs;
      this.#offlineSinceMs = undefined;
    }
  }

  /** Entries that went beyond a seq in each lane since it began. */
  #beyond(through: (lane: Lane) => number): number {
    return lanes.reduce((sum, lane) => {
      const before = this.#ackedBefore[laneIndex(lane)] ?? 0;
      return sum + Math.max(0, through(lane) - before);
    }, 0);
  }

  #tried(event: LinkEvent): void {
    if (event.kind === 'message') return;
    const result = event.kind === 'up' ? 'up' : event.reason.code;
    this.#connects.set(result, (this.#connects.get(result) ?? 0) + 1);
  }
}
