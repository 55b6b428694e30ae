import { useState } from 'preact/hooks';
import { ago } from '../../protocol/web/format.ts';
import { ProblemNote } from '../../protocol/web/parts.tsx';
import { Table, type Column } from '../../protocol/web/table.tsx';
import type {
  PairingApproval,
  PairingDecidedView,
  PairingView,
} from '../src/core/access/pairing-views.ts';
import { tagsOf } from './enrolment-tags.ts';
import { api, useLive } from './api.ts';
import { useAction } from './use-action.ts';

/** Lets in a device that shows a code, by what somebody reads from its screen. */
export function Pairings({ code: given }: { readonly code: string }) {
  const { data, problem, refresh } = useLive('GET /api/pairings', [], 2_000);
  const [code, setCode] = useState(given);
  const [decided, setDecided] = useState<PairingDecidedView | undefined>();
  const [run, failure, isBusy] = useAction();
  const waiting = data?.pairings ?? [];
  const decide = (decision: () => Promise<PairingDecidedView>) =>
    run(async () => {
      setDecided(await decision());
      setCode('');
      refresh();
    });
  const approve = ({ code: name, ...body }: PairingApproval) =>
    decide(() => api.ask('POST /api/pairings/{name}', { params: { name }, body }));
  const deny = (name: string) =>
    decide(() => api.ask('DELETE /api/pairings/{name}', { params: { name } }));
  return (
    <section>
      <h2>A device that shows a code</h2>
      <p>
        <code>holdfast enroll --gateway {location.origin}</code> on a device shows a code and three
        words. Let it in only by the words on its own screen.
      </p>
      <ProblemNote problem={failure ?? problem} />
      {decided !== undefined && (
        <p class="note good" role="status">
          {decided.device} was {decided.approved ? 'let in' : 'turned away'}.
        </p>
      )}
      <PairingForm
        key={decided?.code}
        {...{ code, setCode, approve, isBusy }}
        replaces={waiting.find((each) => each.code === code.toUpperCase())?.replaces === true}
      />
      {waiting.length > 0 && (
        <Table
          label="Devices that wait to be let in"
          columns={columnsOf(setCode, deny)}
          rows={waiting}
          keyOf={(each) => each.code}
          empty=""
        />
      )}
    </section>
  );
}

function columnsOf(
  choose: (code: string) => void,
  deny: (code: string) => void,
): readonly Column<PairingView>[] {
  return [
    { title: 'Code', cell: ({ code }) => <code>{code}</code> },
    { title: 'Device', cell: ({ device }) => device, by: ({ device }) => device },
    { title: 'From', cell: ({ from }) => from },
    { title: 'Key', cell: ({ key }) => <code>{key}</code>, isWide: true },
    { title: 'Expires', cell: ({ expiresAt }) => ago(expiresAt), isNumber: true, isWide: true },
    {
      title: 'Decide',
      cell: ({ code, device }) => (
        <>
          <button type="button" aria-label={`Choose ${device}`} onClick={() => choose(code)}>
            Choose
          </button>{' '}
          <button type="button" aria-label={`Turn away ${device}`} onClick={() => deny(code)}>
            Turn away
          </button>
        </>
      ),
    },
  ];
}

interface FormProps {
  readonly code: string;
  readonly setCode: (code: string) => void;
  readonly approve: (approval: PairingApproval) => void;
  readonly isBusy: boolean;
  /** The chosen device takes the place of one that is known. */
  readonly replaces: boolean;
}

function PairingForm({ code, setCode, approve, isBusy, replaces }: FormProps) {
  const [words, setWords] = useState('');
  const [tagsText, setTagsText] = useState('');
  const [isAgreed, setAgreed] = useState(false);
  const tags = tagsOf(tagsText);
  const submit = (event: SubmitEvent) => {
    event.preventDefault();
    if (tags === undefined) return;
    approve({ code: code.trim().toUpperCase(), words, tags, replaces: replaces && isAgreed });
  };
  return (
    <form onSubmit={submit}>
      <label>
        Code{' '}
        <input
          required
          autocomplete="off"
          maxLength={16}
          value={code}
          onInput={({ currentTarget }) => setCode(currentTarget.value)}
        />
      </label>
      <label>
        Words that it shows{' '}
        <input
          required
          autocomplete="off"
          maxLength={100}
          value={words}
          onInput={({ currentTarget }) => setWords(currentTarget.value)}
        />
      </label>
      <label>
        Tags for it{' '}
        <input
          autocomplete="off"
          placeholder="site=oslo line=2"
          value={tagsText}
          onInput={({ currentTarget }) => setTagsText(currentTarget.value)}
        />
      </label>
      {replaces && (
        <label class="check">
          <input
            type="checkbox"
            checked={isAgreed}
            onChange={({ currentTarget }) => setAgreed(currentTarget.checked)}
          />{' '}
          It takes the place of the device that is known by this name, whose key counts no more
        </label>
      )}
      <button disabled={isBusy}>Let it in</button>
      {tags === undefined && (
        <p class="note bad" role="alert">
          Tags are written as site=oslo line=2.
        </p>
      )}
    </form>
  );
}
