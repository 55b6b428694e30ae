import { useState } from 'preact/hooks';
import { ConfirmButton } from '../../protocol/web/confirm-button.tsx';
import { ago, short } from '../../protocol/web/format.ts';
import { Marked, ProblemNote, sentence } from '../../protocol/web/parts.tsx';
import type { InstructionKind } from '../src/core/dispatch.ts';
import { useLive } from './api.ts';
import { causesOf, extentOf, type Cause, type Place } from './causes.ts';
import { issue } from './issue.tsx';
import { useAction } from './use-action.ts';

const PLACES_SHOWN = 20;

/** Tells every run of a cause to try again, or to end, each by a command of its own. */
function TellAll({ of: { state, places } }: { readonly of: Cause }) {
  const [run, problem, isBusy] = useAction();
  const [told, setTold] = useState(0);
  const runs = places.flatMap((place) => (place.run === undefined ? [] : [place.run]));
  if (runs.length === 0) return null;
  const tell = (kind: InstructionKind) => () =>
    run(async () => {
      setTold(0);
      for (const [at, { device, id }] of runs.entries()) {
        await issue(device, { kind, run: id });
        setTold(at + 1);
      }
    });
  const them = runs.length === 1 ? 'it' : `all ${runs.length}`;
  return (
    <>
      <p class="actions">
        <ConfirmButton
          title={`Retry ${them}`}
          sure="Retry now"
          disabled={isBusy}
          act={tell('run.retry')}
        />
        {state === 'stuck' && (
          <ConfirmButton
            title={`Cancel ${them}`}
            sure="Cancel for good"
            disabled={isBusy}
            act={tell('run.cancel')}
          />
        )}
        {told > 0 && (
          <span role="status">
            {told} of {runs.length} told
          </span>
        )}
      </p>
      <ProblemNote problem={problem} />
    </>
  );
}

/** All that needs a person, as often as that may be asked. */
function useCauses() {
  const stuck = { state: ['stuck', 'conflict'], limit: 1_000 } as const;
  const devices = useLive('GET /api/devices', [{ query: stuck }]);
  const failed = { state: ['stuck', 'failed'], limit: 1_000 };
  const runs = useLive('GET /api/runs', [{ query: failed }], 15_000, 'by the clock');
  return {
    causes: causesOf(devices.data?.devices ?? [], runs.data?.runs ?? []),
    problems: devices.data?.problems ?? [],
    isMore: (runs.data?.next ?? null) !== null,
    isAsking: devices.data === undefined || runs.data === undefined,
    problem: devices.problem ?? runs.problem,
  };
}

export function Attention({ mayAct }: { readonly mayAct: boolean }) {
  const { causes, problems, isMore, isAsking, problem } = useCauses();
  return (
    <>
      <h1>Attention</h1>
      <ProblemNote problem={problem} />
      {problems.map(({ code, message, hint }) => (
        <p class="note bad" key={message}>
          <strong>{sentence(message)}</strong> <Marked text={hint} /> <code>{code}</code>
        </p>
      ))}
      {causes.map((cause) => (
        <CauseCard key={cause.title} of={cause} mayAct={mayAct} />
      ))}
      {isMore && <p class="empty">There are older runs like this; Runs finds them by state.</p>}
      {causes.length === 0 && problems.length === 0 && (
        <p class="empty">{isAsking ? 'Asking…' : 'Nothing needs anybody. ✓'}</p>
      )}
    </>
  );
}

function CauseCard({ of: cause, mayAct }: { readonly of: Cause; readonly mayAct: boolean }) {
  const { title, since, places } = cause;
  return (
    <section class="panel">
      <h2>
        <span class="bad" aria-hidden="true">
          ✗
        </span>{' '}
        {short(title, 160)}
      </h2>
      <p>
        {extentOf(cause)}
        {since !== null && `, the oldest ${ago(since)}`}
      </p>
      <Places places={places} />
      {mayAct && <TellAll of={cause} />}
    </section>
  );
}

function Places({ places }: { readonly places: readonly Place[] }) {
  const more = places.length - PLACES_SHOWN;
  return (
    <ul class="places">
      {places.slice(0, PLACES_SHOWN).map(({ name, address }) => (
        <li key={address}>
          <a href={address}>{name}</a>
        </li>
      ))}
      {more > 0 && <li>and {more} more</li>}
    </ul>
  );
}
