import { useMemo } from 'preact/hooks';
import { ago, moment, short } from '../../protocol/web/format.ts';
import { Facts, ProblemNote, State } from '../../protocol/web/parts.tsx';
import { RunTimeline } from '../../protocol/web/run-timeline.tsx';
import { isFinal, valueNameOf, type ShownEntry } from '../../protocol/web/shown.ts';
import type { HistoryRow, RunDetailView } from '../src/core/views.ts';
import { useLive } from './api.ts';

function shownRow({ id: run, uid }: RunDetailView, row: HistoryRow): ShownEntry {
  const { lane, seq, kind, at, synced, n, name, op, attempt, tookMs, value } = row;
  return {
    ...{ lane, seq, kind, at, arrivedAt: null, isPending: !synced, bytes: null, n, value },
    ...{ run, name: name ?? '', op: op ?? 0, attempt: attempt ?? 0, tookMs: tookMs ?? 0 },
    ...{ valueIs: value === null ? '' : valueNameOf(kind), uid: n === 0 ? (uid ?? '') : '' },
  };
}

export function Run({ id }: { readonly id: string }) {
  const { data: run, problem } = useLive<RunDetailView>(`runs/${encodeURIComponent(id)}`);
  const entries = useMemo(() => run?.history.map((row) => shownRow(run, row)) ?? [], [run]);
  return (
    <>
      <p>
        <a href="#/">To the device</a>
      </p>
      <h1>
        <bdi>{id}</bdi> {run !== undefined && <State of={run.state} />}
      </h1>
      <ProblemNote problem={problem} />
      {run === undefined && problem === undefined && <p class="empty">Asking…</p>}
      {run !== undefined && <Facts rows={factsOf(run)} />}
      {run !== undefined && (
        <RunTimeline
          isOver={isFinal(run.state)}
          entries={entries}
        />
      )}
    </>
  );
}

function factsOf(run: RunDetailView): readonly (readonly [string, string])[] {
  const { waitsFor, nextAt, lastError, status } = run;
  const facts: [string, string][] = [
    ['workflow', `${run.workflow} v${run.version}`],
    ['started', `${moment(run.startedAt)} (${ago(run.startedAt)})`],
    ['updated', ago(run.updatedAt)],
  ];
  if (waitsFor !== null) facts.push(['waits for', waitsFor]);
  if (nextAt !== null) facts.push(['goes on', ago(nextAt)]);
  if (lastError !== null) {
    const { step, name, message } = lastError;
    facts.push(['last error', `${step}: ${name}: ${short(message, 400)}`]);
  }
  if (status !== null && status !== undefined) facts.push(['says', short(status, 200)]);
  return facts;
}
