import { durationMs, messageOf, type Log, type StoreOp } from '@holdfast/protocol';
import type { AgentOptions } from './agent-options.ts';
import type { DeviceTime } from './core/device-time.ts';
import type { Journal } from './core/journal.ts';
import { LinkMeter, meterRows } from './core/link-meter.ts';
import type { LinkPlan } from './core/link-plan.ts';
import type { RunStore } from './core/run-store.ts';
import { calendarOf } from './io/cron.ts';

/** What a link that costs may be used for. @throws HF_CRON_INVALID, HF_DURATION_INVALID */
export function planOf({ metered }: AgentOptions): LinkPlan | undefined {
  if (metered === undefined) return undefined;
  const windows = (metered.windows ?? []).map(({ cron, for: duration, timezone }) => ({
    calendar: calendarOf(cron, timezone),
    durationMs: durationMs(duration),
  }));
  return { windows, budget: metered.budget, isUrgentExcepted: metered.urgent ?? true };
}

/** Counts on from where an earlier process ended. */
export async function openMeter(
  plan: LinkPlan | undefined,
  { clock, journal, store, log }: MeterParts,
): Promise<LinkMeter | undefined> {
  if (plan === undefined) return undefined;
  const sinceMs = await store.meta(meterRows.since);
  const bytes = await store.meta(meterRows.bytes);
  const save = (ops: readonly StoreOp[]): void => {
    journal
      .append([], () => ops)
      .catch((error: unknown) => {
        log.debug('the bytes of the link were not noted', { why: messageOf(error) });
      });
  };
  return new LinkMeter({ plan, clock, used: { sinceMs, bytes }, save });
}

interface MeterParts {
  readonly clock: DeviceTime;
  readonly journal: Journal;
  readonly store: RunStore;
  readonly log: Log;
}
