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

/** Tells a device to do something. What was typed stays when it was wrong. */
export function OrderForm({ device }: { readonly device: string }) {
  const [form, setForm] = useState(forms[0]);
  const [name, setName] = useState('');
  const [run, setRun] = useState('');
  const [text, setText] = useState('');
  const [issued, setIssued] = useState<CommandView | undefined>();
  const [wrong, setWrong] = useState('');
  const [act, problem, isBusy] = useAction();
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
        <label>
          To{' '}
          <select
            value={form.kind}
            onChange={({ currentTarget: { value } }) => {
              setForm(forms.find(({ kind }) => kind === value) ?? forms[0]);
              // The run that a signal was for is no id for one that is started.
              setRun('');
            }}
          >
            {forms.map(({ kind, title }) => (
              <option key={kind} value={kind}>
                {title}
              </option>
            ))}
          </select>
        </label>
        <Field title={form.name} isNeeded value={name} set={setName} />
        {form.run !== undefined && <Field {...form.run} value={run} set={setRun} />}
        <label class="long">
          {form.value}{' '}
          <textarea
            rows={2}
            value={text}
            onInput={({ currentTarget }) => setText(currentTarget.value)}
          />
        </label>
        <button disabled={isBusy}>Send</button>
      </form>
    </section>
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
