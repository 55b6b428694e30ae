import { useState } from 'preact/hooks';
import type { InstructionKind } from '../src/core/dispatch.ts';
import type {
  CommandDevicesView,
  CommandProgress,
  CommandView,
} from '../src/core/fleet-views.ts';
import { isFinal } from '../../protocol/web/shown.ts';
import { api, useLive } from './api.ts';
import { ago, formatCount, moment, short } from '../../protocol/web/format.ts';
import { Facts, ProblemNote, Table, type Column } from '../../protocol/web/parts.tsx';
import { deviceAddress } from './runs.tsx';
import { useAction } from './settings.tsx';

/** A command that nobody has looked after for so long is not what was meant any more. */
const LIFE_MS = 7 * 86_400_000;

export interface Order {
  readonly kind: InstructionKind;
  readonly run?: string;
  readonly name?: string;
  readonly payload?: unknown;
}

/** Tells one device to do something, within a week. */
export function issue(device: string, order: Order): Promise<CommandView> {
  const expiresAt = new Date(Date.now() + LIFE_MS).toISOString();
  return api.ask('POST /api/commands', { body: { ...order, to: { device }, expiresAt } });
}

function progressText({
  devices: { issued, waiting, applied, expired, rejected },
}: CommandProgress) {
  const parts = Object.entries({ waiting, applied, expired, rejected })
    .filter(([, count]) => count > 0)
    .map(([outcome, count]) => `${formatCount(count)} ${outcome}`);
  return issued === 0 ? 'no device' : parts.join(' · ');
}

const columns: readonly Column<CommandProgress>[] = [
  { title: 'Command', cell: ({ id, kind }) => <a href={`#/commands/${id}`}>{kind}</a> },
  { title: 'For', cell: ({ to }) => to },
  { title: 'Run', cell: ({ run }) => run ?? '' },
  { title: 'So far', cell: progressText },
  { title: 'Issued', cell: ({ issuedAt }) => ago(issuedAt), isNumber: true },
  { title: 'Expires', cell: ({ expiresAt }) => ago(expiresAt), isNumber: true, isWide: true },
  { title: 'By', cell: ({ by }) => by, isWide: true },
];

export function Commands() {
  const { data, problem } = useLive('GET /api/commands', [{ query: { limit: 200 } }], 3_000);
  return (
    <>
      <h1>Commands</h1>
      <ProblemNote problem={problem} />
      <p>
        What devices were told to do. One that is offline applies it when it is back, or not at all.
      </p>
      <Table
        label="Commands"
        columns={columns}
        rows={data?.commands ?? []}
        keyOf={({ id }) => id}
        empty={data === undefined ? 'Asking…' : 'No command yet.'}
      />
    </>
  );
}

type OnDevice = CommandDevicesView['devices'][number];
const deviceColumns: readonly Column<OnDevice>[] = [
  { title: 'Device', cell: ({ device }) => <a href={deviceAddress(device)}>{device}</a> },
  { title: 'Outcome', cell: ({ outcome }) => outcome, by: ({ outcome }) => outcome },
  { title: 'Why', cell: ({ reason }) => reason },
  { title: 'Receipt', cell: ({ settledAt }) => ago(settledAt), isNumber: true },
];

export function Command({ id }: { readonly id: string }) {
  const { data, problem } = useLive('GET /api/commands/{id}', [{ params: { id } }]);
  const asked = { params: { id }, query: { limit: 1_000 } };
  const devices = useLive('GET /api/commands/{id}/devices', [asked], 3_000);
  return (
    <>
      <h1>{data?.kind ?? 'Command'}</h1>
      <ProblemNote problem={problem ?? devices.problem} />
      {data !== undefined && (
        <Facts
          rows={[
            ['id', id],
            ['for', data.to],
            ['so far', progressText(data)],
            ['issued', `${moment(data.issuedAt)} by ${data.by}`],
            ['expires', data.expiresAt === null ? 'never' : moment(data.expiresAt)],
            ['brings', short(data.payload, 400)],
          ]}
        />
      )}
      <Table
        label="Devices of this command"
        columns={deviceColumns}
        rows={devices.data?.devices ?? []}
        keyOf={({ device }) => device}
        empty={devices.data === undefined ? 'Asking…' : 'It was issued to no device.'}
      />
    </>
  );
}

const verbs = [
  ['run.retry', 'Retry', (state: string) => state === 'failed' || state === 'stuck'],
  ['run.pause', 'Pause', (state: string) => !isFinal(state) && state !== 'paused'],
  ['run.resume', 'Resume', (state: string) => state === 'paused'],
  ['run.cancel', 'Cancel', (state: string) => !isFinal(state)],
] as const;

/** What an operator can have a device do about a run. Each is a command: it survives an outage. */
export function RunActions(props: {
  readonly device: string;
  readonly run: string;
  readonly state: string;
}) {
  const { device, run, state } = props;
  const [act, problem, isBusy] = useAction();
  const [issued, setIssued] = useState<CommandView | undefined>();
  const order = (kind: InstructionKind) => act(async () => setIssued(await issue(device, { kind, run })));
  return (
    <>
      <p class="actions">
        {verbs
          .filter(([, , fits]) => fits(state))
          .map(([kind, title]) => (
            <button type="button" disabled={isBusy} onClick={() => order(kind)}>
              {title}
            </button>
          ))}
      </p>
      <ProblemNote problem={problem} />
      {issued !== undefined && (
        <p class="note good" role="status">
          {issued.kind} is <a href={`#/commands/${issued.id}`}>on its way</a> to {device}.
        </p>
      )}
    </>
  );
}

/** Starts a run, or sends a signal, on a device. What was typed stays when it was wrong. */
export function OrderForm({ device }: { readonly device: string }) {
  const [kind, setKind] = useState<InstructionKind>('run.start');
  const [name, setName] = useState('');
  const [run, setRun] = useState('');
  const [text, setText] = useState('');
  const [issued, setIssued] = useState<CommandView | undefined>();
  const [wrong, setWrong] = useState('');
  const [act, problem, isBusy] = useAction();
  const submit = (event: SubmitEvent) => {
    event.preventDefault();
    const payload = parsed(text);
    setWrong(payload === wrongJson ? 'The input is not JSON.' : '');
    if (payload === wrongJson) return;
    const named = run === '' ? {} : { run };
    act(async () => setIssued(await issue(device, { kind, name, ...named, payload })));
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
      {issued !== undefined && (
        <p class="note good" role="status">
          {issued.kind} is <a href={`#/commands/${issued.id}`}>on its way</a> to {device}.
        </p>
      )}
      <form onSubmit={submit}>
        <label>
          To{' '}
          <select
            value={kind}
            onChange={(event) => setKind(event.currentTarget.value as InstructionKind)}
          >
            <option value="run.start">start a run</option>
            <option value="run.signal">send a signal</option>
          </select>
        </label>
        <label>
          {kind === 'run.start' ? 'Workflow' : 'Signal'}{' '}
          <input required value={name} onInput={(event) => setName(event.currentTarget.value)} />
        </label>
        <label>
          Run{' '}
          <input
            required={kind === 'run.signal'}
            value={run}
            onInput={(event) => setRun(event.currentTarget.value)}
          />
        </label>
        <label>
          Input, JSON <input value={text} onInput={(event) => setText(event.currentTarget.value)} />
        </label>
        <button disabled={isBusy}>Send</button>
      </form>
    </section>
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
