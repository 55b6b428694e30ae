import { Lateness } from './core/overload/lateness.ts';
import { ReportShed } from './core/overload/report-shed.ts';
import type { GatewayLinkOptions } from './io/gateway-link.ts';
import { systemClock } from './io/system-clock.ts';
import type { Closers } from './open-stores.ts';

type Receive = (device: string, bytes: Uint8Array) => void;

/** Whether the process keeps up with its work, and what is left where it does not. */
export interface Overload {
  readonly lateness: Lateness;
  readonly shed: ReportShed;
  /** How late it is, or the ledger with what it was given. */
  readonly lateMs: () => number;
  /** Goes by how long what was given to the ledger waits, too. */
  readonly follow: (sessions: { readonly waitMs: number }) => void;
  /** What takes messages from devices, but for those that are left. */
  readonly before: (receive: Receive) => GatewayLinkOptions['onMessage'];
}

/** @param everyMs How often devices report. */
export function watchOverload(everyMs: number, closers: Closers): Overload {
  const lateness = new Lateness(systemClock);
  closers.push(() => Promise.resolve(lateness.close()));
  let ledger = { waitMs: 0 };
  const shed = new ReportShed({ clock: systemClock, lateMs: () => lateness.ms, everyMs });
  return {
    ...{ lateness, shed },
    lateMs: () => Math.max(lateness.ms, ledger.waitMs),
    follow: (sessions) => (ledger = sessions),
    before: (receive) => (device, bytes, channel) => {
      if (channel !== 'state' || shed.reads(device)) receive(device, bytes);
    },
  };
}
