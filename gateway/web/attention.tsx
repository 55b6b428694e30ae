import type { ComponentChildren } from 'preact';
import { useState } from 'preact/hooks';
import { ConfirmButton } from '../../protocol/web/confirm-button.tsx';
import { Marked, ProblemNote, sentence } from '../../protocol/web/parts.tsx';
import type { InstructionKind } from '../src/core/dispatch.ts';
import { extentOf, headlineOf, type Cause, type Place } from './causes.ts';
import { issue } from './issue.tsx';
import { useMuted } from './muted.ts';
import { useAction } from './use-action.ts';
import { useCauses } from './use-causes.ts';

const PLACES_SHOWN = 20;
/** Runs and devices that causes are made of. */
const CAUSES_OF = 1_000;

/** Tells every run of a cause to try again, or to end, each by a command of its own. */
function TellAll(props: { readonly of: Cause; readonly children: ComponentChildren }) {
  const { state, places } = props.of;
  const [run, problem, isBusy] = useAction();
  const [told, setTold] = useState(0);
  const runs = places.flatMap((place) => (place.run === undefined ? [] : [place.run]));
  if (runs.length === 0) return <p class="actions">{props.children}</p>;
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
        {props.children}
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

export function Attention({ mayAct }: { readonly mayAct: boolean }) {
  const { causes, problems, isMore, isAsking, problem } = useCauses(CAUSES_OF, 'with changes');
  const [muted, mute] = useMuted();
  const card = (cause: Cause) => (
    <CauseCard
      {...{ of: cause, mayAct }}
      key={cause.key}
      isMuted={muted.has(cause.key)}
      mute={(isMuted) => mute(cause.key, isMuted)}
    />
  );
  const heard = causes.filter(({ key }) => !muted.has(key));
  const unheard = causes.filter(({ key }) => muted.has(key));
  return (
    <>
      <h1>Attention</h1>
      <ProblemNote problem={problem} />
      {problems.map(({ code, message, hint }) => (
        <p class="note bad" key={message}>
          <strong>{sentence(message)}</strong> <Marked text={hint} /> <code>{code}</code>
        </p>
      ))}
      {heard.map(card)}
      {isMore && <p class="empty">There are older runs like this; Runs finds them by state.</p>}
      {heard.length === 0 && problems.length === 0 && (
        <p class="empty">{isAsking ? 'Asking…' : 'Nothing needs anybody. ✓'}</p>
      )}
      {unheard.length > 0 && (
        <details>
          <summary>{unheard.length} muted, in this browser alone</summary>
          {unheard.map(card)}
        </details>
      )}
    </>
  );
}

interface CardProps {
  readonly of: Cause;
  readonly mayAct: boolean;
  readonly isMuted: boolean;
  readonly mute: (isMuted: boolean) => void;
}

function CauseCard({ of: cause, mayAct, isMuted, mute }: CardProps) {
  const extent = extentOf(cause);
  const headline = headlineOf(cause);
  const muteButton = (
    <button
      type="button"
      aria-label={`${isMuted ? 'Unmute' : 'Mute'} ${cause.title}`}
      onClick={() => mute(!isMuted)}
    >
      {isMuted ? 'Unmute' : 'Mute'}
    </button>
  );
  return (
    <section class="panel">
      <h2>
        <span class={isMuted ? 'calm' : 'bad'} aria-hidden="true">
          {isMuted ? '–' : '✗'}
        </span>{' '}
        {headline}
      </h2>
      {extent !== undefined && <p>{extent}</p>}
      <Places places={cause.places} />
      {mayAct ? (
        <TellAll of={cause}>{muteButton}</TellAll>
      ) : (
        <p class="actions">{muteButton}</p>
      )}
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
