import type { ComponentChildren } from 'preact';
import { useState } from 'preact/hooks';
import { Facts, ProblemNote, State } from './parts.tsx';
import type { ShownProblem } from './shown.ts';
import { Tabs, type Tab } from './tabs.tsx';

export interface DeviceShown {
  readonly id: string;
  /** `undefined`: it is being asked for. */
  readonly state: string | undefined;
  readonly problem: ShownProblem | undefined;
  /** What needs a person, above all else. */
  readonly notes: ComponentChildren;
  readonly facts: readonly (readonly [name: string, value: ComponentChildren])[];
  /** What can be done with it; `goTo` shows the tab of this title. */
  readonly actions?: (goTo: (title: string) => void) => ComponentChildren;
  /** How far behind it is and was. */
  readonly graph: ComponentChildren;
  readonly tabs: readonly Tab[];
}

/** One device: how it is, and what it did. */
export function DevicePage({ id, state, problem, ...shown }: DeviceShown) {
  const { notes, facts, graph, tabs, actions } = shown;
  const [chosen, choose] = useState(tabs[0]?.title ?? '');
  return (
    <>
      <div class="head">
        <h1>
          <bdi>{id}</bdi> {state !== undefined && <State of={state} />}
        </h1>
        {actions?.(choose)}
      </div>
      <ProblemNote problem={problem} />
      {state === undefined && problem === undefined && <p class="empty">Asking…</p>}
      {notes}
      {facts.length > 0 && <Facts rows={facts} />}
      {graph}
      <Tabs label="What is known of this device" {...{ tabs, chosen, choose }} />
    </>
  );
}
