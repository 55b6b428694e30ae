import { useState } from 'preact/hooks';
import { ConfirmButton } from '../../protocol/web/confirm-button.tsx';
import type { DeviceView } from '../src/core/device-views.ts';
import type { RunView } from '../src/core/fleet-views.ts';
import { useLive } from './api.ts';
import { ago, short } from '../../protocol/web/format.ts';
import { ProblemNote, State } from '../../protocol/web/parts.tsx';
import { issue } from './issue.tsx';
import { deviceAddress, runAddress } from './runs.tsx';
import { useAction } from './use-action.ts';

/** What needs a person, by what it is about: one line a cause, however many it concerns. */
interface Cause {
  readonly title: string;
  readonly state: string;
  readonly since: string | null;
  readonly places: readonly Place[];
}

interface Place {
  readonly name: string;
  readonly address: string;
  /** A run that can be tried again; `undefined`: it is about a device. */
  readonly run?: Pick<RunView, 'device' | 'id'>;
}

export function causesOf(
  devices: readonly DeviceView[],
  runs: readonly RunView[],
): readonly Cause[] {
  const causes = new Map<string, Cause>();
  const add = (title: string, state: string, at: string | null, place: Cause['places'][number]) => {
    const known = causes.get(title);
    const since = [known?.since, at].filter((each) => typeof each === 'string').toSorted()[0];
    const places = [...(known?.places ?? []), place];
    causes.set(title, { title, state, since: since ?? null, places });
  };
  for (const { device, state, refusal, lastAckAt } of devices) {
    const place = { name: device, address: deviceAddress(device) };
    if (state === 'conflict') add('Two machines use one identity', state, lastAckAt, place);
    if (state === 'stuck') {
      const why = refusal === null ? 'nothing more is acknowledged' : refusal.why;
      add(`Stuck: ${why}`, state, lastAckAt, place);
    }
  }
  for (const run of runs) {
    if (run.state !== 'stuck' && run.state !== 'failed') continue;
    const title = `${run.workflow} is ${run.state}`;
    const place = { name: `${run.device} · ${run.id}`, address: runAddress(run), run };
    add(title, run.state, run.updatedAt, place);
  }
  return [...causes.values()].toSorted((a, b) => b.places.length - a.places.length);
}

const PLACES_SHOWN = 20;

/** Has every run of a cause try again, each by a command of its own. */
function RetryAll({ places }: { readonly places: readonly Place[] }) {
  const [run, problem, isBusy] = useAction();
  const [done, setDone] = useState(0);
  const runs = places.flatMap((place) => (place.run === undefined ? [] : [place.run]));
  if (runs.length === 0) return null;
  const retry = () =>
    run(async () => {
      setDone(0);
      for (const [at, { device, id }] of runs.entries()) {
        await issue(device, { kind: 'run.retry', run: id });
        setDone(at + 1);
      }
    });
  return (
    <>
      <p class="actions">
        <ConfirmButton
          title={runs.length === 1 ? 'Retry it' : `Retry all ${runs.length}`}
          sure="Retry now"
          disabled={isBusy}
          act={retry}
        />
        {done > 0 && (
          <span role="status">
            {done} of {runs.length} told
          </span>
        )}
      </p>
      <ProblemNote problem={problem} />
    </>
  );
}

export function Attention({ mayAct }: { readonly mayAct: boolean }) {
  const stuck = { state: ['stuck', 'conflict'], limit: 1_000 } as const;
  const devices = useLive('GET /api/devices', [{ query: stuck }]);
  const failed = { state: ['stuck', 'failed'], limit: 1_000 };
  // It takes a look over many runs: a busy fleet does not make it be asked for without pause.
  const runs = useLive('GET /api/runs', [{ query: failed }], 15_000, 'by the clock');
  const causes = causesOf(devices.data?.devices ?? [], runs.data?.runs ?? []);
  const problems = devices.data?.problems ?? [];
  const isAsking = devices.data === undefined || runs.data === undefined;
  return (
    <>
      <h1>Attention</h1>
      <ProblemNote problem={devices.problem ?? runs.problem} />
      {problems.map(({ code, message, hint }) => (
        <p class="note bad" key={message}>
          <strong>{message}</strong> {hint} <code>{code}</code>
        </p>
      ))}
      {causes.map(({ title, state, since, places }) => (
        <section class="cause" key={title}>
          <h2>
            <State of={state} /> {short(title, 120)}
          </h2>
          <p>
            {places.length} {places.length === 1 ? 'place' : 'places'}, since {ago(since)}
          </p>
          <ul>
            {places.slice(0, PLACES_SHOWN).map(({ name, address }) => (
              <li key={address}>
                <a href={address}>{name}</a>
              </li>
            ))}
            {places.length > PLACES_SHOWN && <li>and {places.length - PLACES_SHOWN} more</li>}
          </ul>
          {mayAct && <RetryAll places={places} />}
        </section>
      ))}
      {causes.length === 0 && problems.length === 0 && (
        <p class="empty">{isAsking ? 'Asking…' : 'Nothing needs anybody. ✓'}</p>
      )}
    </>
  );
}
