import { useState } from 'preact/hooks';
import { formatCount, moment } from '../../protocol/web/format.ts';
import { ProblemNote } from '../../protocol/web/parts.tsx';
import type { VerifyView } from '../src/core/fleet-views.ts';
import { api, useLive } from './api.ts';
import { LedgerEntries } from './ledger-entries.tsx';
import { useAction } from './use-action.ts';

export function Ledger({ mayRead }: { readonly mayRead: boolean }) {
  return (
    <>
      <h1>Ledger</h1>
      {mayRead && <LedgerEntries />}
      <Chains />
    </>
  );
}

function verdictOf({ whole, entries, lanes, faults }: VerifyView): string {
  if (!whole) return `✗ ${formatCount(faults.length)} ${faults.length === 1 ? 'fault' : 'faults'}.`;
  const where = `${formatCount(entries)} entries in ${formatCount(lanes)} lanes`;
  return `✓ ${where}: every chain is whole.`;
}

/** Checks every chain; says what was erased. */
function Chains() {
  const [view, setView] = useState<VerifyView | undefined>();
  const [run, problem, isBusy] = useAction();
  const erasures = useLive('GET /api/ledger/erasures', [{ query: { limit: 50 } }], 10_000);
  const verify = () => run(async () => setView(await api.ask('POST /api/ledger/verify')));
  return (
    <section>
      <h2>Chains</h2>
      <ProblemNote problem={problem ?? erasures.problem} />
      <p>
        Every entry is in a chain of hashes, one for each lane of each device: what was changed,
        dropped or put in another order at rest is found.
      </p>
      <p>
        <button type="button" onClick={verify} disabled={isBusy}>
          {isBusy ? 'Reading every entry…' : 'Verify all chains'}
        </button>
      </p>
      {view !== undefined && (
        <p class={`note ${view.whole ? 'good' : 'bad'}`} role="status">
          {verdictOf(view)}
        </p>
      )}
      <ul>
        {view?.faults.map(({ device, epoch, lane, seq, why }) => (
          <li key={`${device} ${epoch} ${lane} ${seq}`}>
            {device}, epoch {epoch}, {lane} {seq}: {why}
          </li>
        ))}
      </ul>
      <h2>Erasures</h2>
      <ul>
        {(erasures.data?.erasures ?? []).map(({ at, by, reason, contents }) => (
          <li key={at}>
            {moment(at)}: {formatCount(contents)} values, by {by}. {reason}
          </li>
        ))}
      </ul>
      {erasures.data?.erasures.length === 0 && <p class="empty">Nothing was erased.</p>}
    </section>
  );
}
