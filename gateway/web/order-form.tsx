import { useState } from 'preact/hooks';
import { ProblemNote } from '../../protocol/web/parts.tsx';
import type { InstructionKind } from '../src/core/dispatch.ts';
import type { CommandView } from '../src/core/fleet-views.ts';
import { issue, Issued } from './issue.tsx';
import { useAction } from './use-action.ts';

interface Form {
  readonly kind: InstructionKind;
  readonly title: string;
  /** What its name, its run and its value are called; no run: it is about none. */
  readonly name: string;
  readonly run?: { readonly title: string; readonly isNeeded: boolean };
  readonly value: string;
}

const forms: readonly [Form, ...Form[]] = [
  {
    ...{ kind: 'run.start', title: 'start a run', name: 'Workflow' },
    run: { title: 'Run, if it is to have an id of yours', isNeeded: false },
    value: 'Input, JSON',
  },
  {
    ...{ kind: 'run.signal', title: 'send a signal', name: 'Signal' },
    run: { title: 'Run', isNeeded: true },
    value: 'Payload, JSON',
  },
  {
    ...{ kind: 'config.set', title: 'keep a setting', name: 'Setting' },
    value: 'Value, JSON; null takes it away',
  },
];

/** What somebody has typed: it stays while other tabs are looked at. */
export interface OrderDraft {
  readonly kind: InstructionKind;
  readonly name: string;
  readonly run: string;
  readonly text: string;
}

export const emptyDraft: OrderDraft = { kind: forms[0].kind, name: '', run: '', text: '' };

/** Tells a device to do something. What was typed stays when it was wrong. */
export function OrderForm(props: {
  readonly device: string;
  readonly draft: OrderDraft;
  readonly setDraft: (draft: OrderDraft) => void;
}) {
  const { device, draft, setDraft } = props;
  const { name, run, text } = draft;
  const form = forms.find(({ kind }) => kind === draft.kind) ?? forms[0];
  const [issued, setIssued] = useState<CommandView | undefined>();
  const [wrong, setWrong] = useState('');
  const [act, problem, isBusy] = useAction();
  const change = (changed: Partial<OrderDraft>) => setDraft({ ...draft, ...changed });
  const submit = (event: SubmitEvent) => {
    event.preventDefault();
    const payload = parsed(text);
    setWrong(payload === wrongJson ? `${form.value}: this is not JSON.` : '');
    if (payload === wrongJson) return;
    const named = run === '' || form.run === undefined ? {} : { run };
    act(async () => setIssued(await issue(device, { kind: form.kind, name, ...named, payload })));
  };
  return (
    <section>
      <h2>Tell this device</h2>
      <ProblemNote problem={problem} />
      {wrong !== '' && (
        <p class="note bad" role="alert">
          {wrong}
        </p>
      )}
      <Issued command={issued} />
      <form onSubmit={submit}>
        <KindChoice form={form} choose={(kind) => change({ kind, run: '' })} />
        <Field title={form.name} isNeeded value={name} set={(next) => change({ name: next })} />
        {form.run !== undefined && (
          <Field {...form.run} value={run} set={(next) => change({ run: next })} />
        )}
        <label class="long">
          {form.value}{' '}
          <textarea
            rows={2}
            value={text}
            onInput={({ currentTarget }) => change({ text: currentTarget.value })}
          />
        </label>
        <button disabled={isBusy}>Send</button>
      </form>
    </section>
  );
}

/** The run that a signal was for is no id for one that is started: whoever chooses empties it. */
function KindChoice(props: {
  readonly form: Form;
  readonly choose: (kind: InstructionKind) => void;
}) {
  const { form, choose } = props;
  return (
    <label>
      To{' '}
      <select
        value={form.kind}
        onChange={({ currentTarget: { value } }) => {
          choose(forms.find(({ kind }) => kind === value)?.kind ?? forms[0].kind);
        }}
      >
        {forms.map(({ kind, title }) => (
          <option key={kind} value={kind}>
            {title}
          </option>
        ))}
      </select>
    </label>
  );
}

function Field(props: {
  readonly title: string;
  readonly isNeeded: boolean;
  readonly value: string;
  readonly set: (text: string) => void;
}) {
  const { title, isNeeded, value, set } = props;
  return (
    <label>
      {title}{' '}
      <input
        required={isNeeded}
        autocomplete="off"
        value={value}
        onInput={({ currentTarget }) => set(currentTarget.value)}
      />
    </label>
  );
}

const wrongJson = Symbol('not JSON');

function parsed(text: string): unknown {
  if (text.trim() === '') return null;
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return wrongJson;
  }
}
