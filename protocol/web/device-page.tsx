import type { ComponentChildren } from 'preact';
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
  readonly tabs: readonly Tab[];
}

/** One device: how it is, and what it did. */
export function DevicePage({ id, state, problem, notes, facts, tabs }: DeviceShown) {
  return (
    <>
      <h1>
        {id} {state !== undefined && <State of={state} />}
      </h1>
      <ProblemNote problem={problem} />
      {notes}
      {facts.length > 0 && <Facts rows={facts} />}
      <Tabs label="What is known of this device" tabs={tabs} />
    </>
  );
}
