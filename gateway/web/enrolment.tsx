import { useState } from 'preact/hooks';
import type { EnrolmentMadeView, EnrolmentView } from '../src/core/access/access-views.ts';
import { api, useLive } from './api.ts';
import { ago } from '../../protocol/web/format.ts';
import { ProblemNote } from '../../protocol/web/parts.tsx';
import { Table, type Column } from '../../protocol/web/table.tsx';
import { tagsOf } from './enrolment-tags.ts';
import { Pairings } from './pairing.tsx';
import { useAction } from './use-action.ts';

const HOUR_S = 3_600;
const lives = [
  ['an hour', HOUR_S],
  ['a day', 24 * HOUR_S],
  ['a week', 7 * 24 * HOUR_S],
] as const;

/** Lets devices in: makes tokens, and shows whom they have enrolled. */
export function Enrolment({ code }: { readonly code: string }) {
  return (
    <>
      <h1>Enrolment</h1>
      <Pairings key={code} code={code} />
      <Tokens />
    </>
  );
}

function Tokens() {
  const { data, problem, refresh } = useLive('GET /api/enrolments', [], 3_000);
  const [made, setMade] = useState<EnrolmentMadeView | undefined>();
  const [run, failure, isBusy] = useAction();
  const revoke = (id: string) =>
    run(async () => {
      await api.ask('DELETE /api/enrolments/{name}', { params: { name: id } });
      refresh();
    });
  const onMade = (view: EnrolmentMadeView) => {
    setMade(view);
    refresh();
  };
  return (
    <section>
      <h2>Tokens</h2>
      <p>
        A device that nobody knows is let in by a token, which also tells it which gateway to
        believe.
      </p>
      <ProblemNote problem={failure ?? problem} />
      <EnrolmentForm onMade={onMade} />
      {made !== undefined && <Token made={made} />}
      <Table
        label="Tokens that enrol devices"
        columns={columnsOf(revoke, isBusy)}
        rows={data?.enrolments ?? []}
        keyOf={({ id }) => id}
        empty={data === undefined ? 'Asking…' : 'No token yet.'}
      />
    </section>
  );
}

function columnsOf(
  revoke: (id: string) => void,
  isBusy: boolean,
): readonly Column<EnrolmentView>[] {
  return [
    { title: 'For', cell: ({ device }) => device ?? 'new devices' },
    { title: 'State', cell: ({ state }) => state, by: ({ state }) => state },
    {
      title: 'Enrolled',
      cell: ({ enrolled, uses }) =>
        `${enrolled.length} of ${uses}${enrolled.length === 0 ? '' : `: ${enrolled.join(', ')}`}`,
    },
    { title: 'Expires', cell: ({ expiresAt }) => ago(expiresAt), isNumber: true },
    { title: 'Made by', cell: ({ createdBy }) => createdBy, isWide: true },
    {
      title: 'End',
      cell: ({ id, state, device }) =>
        state === 'valid' && (
          <button
            type="button"
            disabled={isBusy}
            aria-label={`Revoke the token for ${device ?? 'new devices'}`}
            onClick={() => revoke(id)}
          >
            Revoke
          </button>
        ),
    },
  ];
}

function EnrolmentForm({ onMade }: { readonly onMade: (made: EnrolmentMadeView) => void }) {
  const [run, problem, isBusy] = useAction();
  const [wrong, setWrong] = useState('');
  const submit = (event: SubmitEvent) => {
    event.preventDefault();
    const fields = new FormData(event.currentTarget as HTMLFormElement);
    const text = (name: string) => {
      const value = fields.get(name);
      return typeof value === 'string' ? value.trim() : '';
    };
    const tags = tagsOf(text('tags'));
    setWrong(tags === undefined ? 'Tags are written as site=oslo line=2.' : '');
    if (tags === undefined) return;
    const [device, uses] = [text('device'), Number(text('uses'))];
    run(async () => {
      const order = { device: device === '' ? null : device, uses, tags };
      const life = { expiresInSeconds: Number(text('life')), address: location.origin };
      onMade(await api.ask('POST /api/enrolments', { body: { ...order, ...life } }));
    });
  };
  return (
    <form onSubmit={submit}>
      <label>
        Device, if it is one that is known or has its name already{' '}
        <input name="device" autocomplete="off" maxLength={64} />
      </label>
      <label>
        How many devices <input name="uses" type="number" min="1" max="1000" value="1" required />
      </label>
      <label>
        Valid for{' '}
        <select name="life">
          {lives.map(([title, seconds]) => (
            <option key={seconds} value={seconds}>{title}</option>
          ))}
        </select>
      </label>
      <label>
        Tags for them <input name="tags" autocomplete="off" placeholder="site=oslo line=2" />
      </label>
      <button disabled={isBusy}>Make a token</button>
      {wrong !== '' && (
        <p class="note bad" role="alert">
          {wrong}
        </p>
      )}
      <ProblemNote problem={problem} />
    </form>
  );
}

function Token({ made: { token } }: { readonly made: EnrolmentMadeView }) {
  return (
    <div class="note good" role="status">
      <p>Copy it now, it is shown once. On the device, with it on the standard input:</p>
      <pre>holdfast enroll --data-dir ./data</pre>
      <pre class="token">{token}</pre>
    </div>
  );
}
