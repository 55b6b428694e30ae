import type { Calendar } from './slots.ts';

/** A span of time that begins at each slot of a cron expression. */
export interface LinkWindow {
  readonly calendar: Calendar;
  readonly durationMs: number;
}

export interface LinkBudget {
  readonly bytes: number;
  /** By the calendar of UTC. */
  readonly per: 'day' | 'month';
}

/** What a link that costs may be used for. */
export interface LinkPlan {
  /** Empty: at any time. */
  readonly windows: readonly LinkWindow[];
  readonly budget: LinkBudget | undefined;
  /** The urgent lane goes out at any time, and beyond the budget. */
  readonly isUrgentExcepted: boolean;
}

/** What may be sent now. */
export type LinkGate = 'all' | 'urgent' | 'none';

/** How a plan stands at a moment. */
export interface PlanStand {
  readonly isOpen: boolean;
  /** When that changes next, of itself; infinite: never. Wall time. */
  readonly changesAtMs: number;
}

/** Windows that run into each other are followed so far; a minute each is more than half a day. */
const WINDOWS_JOINED_MAX = 1_000;

/** Whether the windows and the budget let anything through. */
export function standOf(plan: LinkPlan, usedBytes: number, nowMs: number): PlanStand {
  const { budget, windows } = plan;
  if (budget !== undefined && usedBytes >= budget.bytes) {
    return { isOpen: false, changesAtMs: periodOf(budget.per, nowMs).endMs };
  }
  if (windows.length === 0) return { isOpen: true, changesAtMs: Number.POSITIVE_INFINITY };
  const stands = windows.map((window) => windowAt(window, nowMs));
  const open = stands.filter(({ isOpen }) => isOpen);
  const isOpen = open.length > 0;
  const times = (isOpen ? open : stands).map(({ changesAtMs }) => changesAtMs);
  return { isOpen, changesAtMs: isOpen ? Math.max(...times) : Math.min(...times) };
}

function windowAt({ calendar, durationMs }: LinkWindow, nowMs: number): PlanStand {
  let slotMs = calendar.nextAfter(nowMs - durationMs);
  if (slotMs > nowMs) return { isOpen: false, changesAtMs: slotMs };
  let endMs = slotMs + durationMs;
  for (let joined = 0; joined < WINDOWS_JOINED_MAX; joined += 1) {
    slotMs = calendar.nextAfter(slotMs);
    if (slotMs > endMs) break;
    endMs = slotMs + durationMs;
  }
  return { isOpen: true, changesAtMs: endMs };
}

/** The day or the month that a moment is in, in UTC. */
export function periodOf(
  per: LinkBudget['per'],
  atMs: number,
): { readonly beganMs: number; readonly endMs: number } {
  const at = new Date(atMs);
  const [year, month, day] = [at.getUTCFullYear(), at.getUTCMonth(), at.getUTCDate()];
  return per === 'day'
    ? { beganMs: Date.UTC(year, month, day), endMs: Date.UTC(year, month, day + 1) }
    : { beganMs: Date.UTC(year, month), endMs: Date.UTC(year, month + 1) };
}
