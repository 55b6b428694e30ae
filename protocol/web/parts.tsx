import type { ComponentChildren } from 'preact';
import type { ShownProblem } from './shown.ts';

/** States of devices and runs, each with a sign: colour alone would not reach everybody. */
const signs: Readonly<Record<string, readonly [sign: string, tone: string]>> = {
  synced: ['✓', 'good'],
  syncing: ['●', 'live'],
  offline: ['◌', 'calm'],
  new: ['○', 'calm'],
  unknown: ['?', 'calm'],
  stuck: ['✗', 'bad'],
  conflict: ['✗', 'bad'],
  revoked: ['✗', 'bad'],
  completed: ['✓', 'good'],
  failed: ['✗', 'bad'],
  cancelled: ['–', 'calm'],
  running: ['●', 'live'],
  retrying: ['↻', 'watch'],
  paused: ['‖', 'watch'],
};

export function State({ of: state }: { readonly of: string }) {
  const [sign, tone] = signs[state] ?? ['…', 'calm'];
  return (
    <span class={`state ${tone}`}>
      <span aria-hidden="true">{sign}</span> {state}
    </span>
  );
}

export function ProblemNote({ problem }: { readonly problem: ShownProblem | undefined }) {
  if (problem === undefined) return null;
  const what = problem.detail === '' ? problem.title : problem.detail;
  return (
    <p class="note bad" role="alert">
      <strong>{sentence(what)}</strong> <Marked text={problem.hint} />{' '}
      <code>{problem.code}</code>
    </p>
  );
}

/** Text in which commands stand between backticks. */
export function Marked({ text }: { readonly text: string }) {
  const parts = text.split(/`([^`]+)`/);
  return <>{parts.map((part, at) => (at % 2 === 0 ? part : <code key={at}>{part}</code>))}</>;
}

/** Beginning with a capital, and with an end. */
export function sentence(text: string): string {
  const begun = `${text.charAt(0).toUpperCase()}${text.slice(1)}`;
  return /[.!?]$/.test(begun) ? begun : `${begun}.`;
}

/** Numbers that filter what is below them. */
export function Tiles(props: {
  readonly label: string;
  readonly counts: ReadonlyMap<string, number>;
  readonly chosen: string | undefined;
  readonly choose: (state: string | undefined) => void;
}) {
  const { label, counts, chosen, choose } = props;
  return (
    <div class="tiles" role="group" aria-label={label}>
      {[...counts].map(([state, count]) => (
        <button
          type="button"
          class="tile"
          aria-pressed={chosen === state}
          onClick={() => choose(chosen === state ? undefined : state)}
        >
          <b>{count}</b> <State of={state} />
        </button>
      ))}
    </div>
  );
}

/** How many of each. */
export function countBy<T>(
  rows: readonly T[],
  of: (row: T) => string,
): ReadonlyMap<string, number> {
  const counts = new Map<string, number>();
  for (const row of rows) counts.set(of(row), (counts.get(of(row)) ?? 0) + 1);
  return counts;
}

export function Facts({
  rows,
}: {
  readonly rows: readonly (readonly [string, ComponentChildren])[];
}) {
  return (
    <dl>
      {rows.map(([name, value]) => (
        <>
          <dt>{name}</dt>
          <dd>{value}</dd>
        </>
      ))}
    </dl>
  );
}
