import type { StatusView } from './views.ts';

/** The states of a check, as monitoring systems number them. */
export const levels = ['OK', 'WARNING', 'CRITICAL', 'UNKNOWN'] as const;
export type Level = (typeof levels)[number];

/** What is too much. Half of it is worth a warning. */
export interface Limits {
  readonly entriesMax: number | undefined;
  readonly ageMsMax: number | undefined;
  readonly offlineMsMax: number | undefined;
}

export interface Alarm {
  readonly level: Level;
  /** What it is about, in a few words; empty: all is well. */
  readonly text: string;
}

/** What of a device a monitoring system should call somebody for. Offline alone is no reason. */
export function alarmsOf(status: StatusView, limits: Limits, nowMs: number): readonly Alarm[] {
  const { backlog, journal, link, runs, problems } = status;
  const age = (at: string | null): number => (at === null ? 0 : nowMs - Date.parse(at));
  const offlineMs = link.state === 'offline' || link.state === 'stopped' ? age(link.since) : 0;
  const pendingText = count(backlog.pending, 'entry', 'entries');
  const stuckText = count(runs.stuck ?? 0, 'run is stuck', 'runs are stuck');
  const found: readonly (Alarm | undefined)[] = [
    above(`${pendingText} pending`, backlog.pending, limits.entriesMax),
    above('the oldest entry waits too long', age(backlog.oldestAt), limits.ageMsMax),
    above('offline for too long', offlineMs, limits.offlineMsMax),
    link.state === 'stuck' ? critical(link.problem?.message ?? 'the link is stuck') : undefined,
    journal.state === 'ok' ? undefined : critical(`the journal is ${journal.state}`),
    (runs.stuck ?? 0) > 0 ? warning(stuckText) : undefined,
    status.agent.running ? undefined : critical('the agent does not run'),
    ...problems
      .filter(({ code }) => /^HF_(?:STORE|DATA_DIR|CERTIFICATE)_/.test(code))
      .map(({ message }) => warning(message)),
  ];
  return found.filter((each) => each !== undefined);
}

function above(text: string, value: number, max: number | undefined): Alarm | undefined {
  if (max === undefined || value <= max / 2) return undefined;
  return value > max ? critical(text) : warning(text);
}

function count(of: number, one: string, many: string): string {
  return `${of} ${of === 1 ? one : many}`;
}

const critical = (text: string): Alarm => ({ level: 'CRITICAL', text });
const warning = (text: string): Alarm => ({ level: 'WARNING', text });

/** The worst of them. */
export function levelOf(alarms: readonly Alarm[]): Level {
  const worst = Math.max(0, ...alarms.map(({ level }) => levels.indexOf(level)));
  return levels[worst] ?? 'UNKNOWN';
}
