import { useState } from 'preact/hooks';
import { ConfirmButton } from '../../protocol/web/confirm-button.tsx';
import { ProblemNote } from '../../protocol/web/parts.tsx';
import { isFinal } from '../../protocol/web/shown.ts';
import type { InstructionKind } from '../src/core/dispatch.ts';
import type { CommandView } from '../src/core/fleet-views.ts';
import { issue, Issued, type Order } from './issue.tsx';
import { runAddress } from './runs.tsx';
import { useAction } from './use-action.ts';

interface OfRun {
  readonly device: string;
  readonly run: string;
}

function useOrder(device: string) {
  const [act, problem, isBusy] = useAction();
  const [issued, setIssued] = useState<CommandView | undefined>();
  const order = (what: Order) => act(async () => setIssued(await issue(device, what)));
  return { order, issued, problem, isBusy };
}

const verbs: readonly (readonly [InstructionKind, string, (state: string) => boolean])[] = [
  ['run.retry', 'Retry', (state) => state === 'failed' || state === 'stuck'],
  ['run.pause', 'Pause', (state) => !isFinal(state) && state !== 'paused'],
  ['run.resume', 'Resume', (state) => state === 'paused'],
];

/** What an operator can have a device do about a run. Each is a command: it survives an outage. */
export function RunActions({ device, run, state }: OfRun & { readonly state: string }) {
  const { order, issued, problem, isBusy } = useOrder(device);
  return (
    <>
      <p class="actions">
        {verbs
          .filter(([, , fits]) => fits(state))
          .map(([kind, title]) => (
            <button
              key={kind}
              type="button"
              disabled={isBusy}
              onClick={() => order({ kind, run })}
            >
              {title}
            </button>
          ))}
        {!isFinal(state) && (
          <ConfirmButton
            title="Cancel"
            sure="Cancel this run for good"
            disabled={isBusy}
            act={() => order({ kind: 'run.cancel', run })}
          />
        )}
      </p>
      <ProblemNote problem={problem} />
      <Issued command={issued} />
    </>
  );
}

/** Starts a new run that does this operation, and all behind it, anew. */
export function ForkAction({ device, run, op }: OfRun & { readonly op: number }) {
  const { order, issued, problem, isBusy } = useOrder(device);
  const fork = () => order({ kind: 'run.fork', run, name: String(op) });
  return (
    <>
      <p class="actions">
        <button type="button" disabled={isBusy} onClick={fork}>
          Fork from here
        </button>
      </p>
      <ProblemNote problem={problem} />
      <Issued command={issued} />
      {issued !== undefined && (
        <p>
          The new run will be <a href={runAddress({ device, id: issued.id })}>{issued.id}</a>.
        </p>
      )}
    </>
  );
}
