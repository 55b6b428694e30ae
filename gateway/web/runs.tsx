import { useRef, useState } from 'preact/hooks';
import { formatCount } from '../../protocol/web/format.ts';
import { PageButtons, usePages } from '../../protocol/web/pages.tsx';
import { ProblemNote } from '../../protocol/web/parts.tsx';
import { Table, type Column } from '../../protocol/web/table.tsx';
import { runColumns } from '../../protocol/web/run-table.tsx';
import { reasonText, type ShownRun } from '../../protocol/web/shown.ts';
import type { RunView } from '../src/core/fleet-views.ts';
import { useLive } from './api.ts';

export const deviceAddress = (device: string): string => `#/devices/${encodeURIComponent(device)}`;

export const runAddress = ({ device, id }: Pick<RunView, 'device' | 'id'>): string =>
  `${deviceAddress(device)}/runs/${encodeURIComponent(id)}`;

/** A run of the ledger, as pages show it. */
export interface FleetRun extends ShownRun, Pick<RunView, 'entries'> {}

export function shownRun(run: RunView): FleetRun {
  return { ...run, why: reasonText(run.reason) };
}

/** Of runs of one device. */
export const ownRunColumns: readonly Column<FleetRun>[] = [
  ...runColumns<FleetRun>(runAddress),
  {
    title: 'Entries',
    cell: ({ entries }) => formatCount(entries),
    by: ({ entries }) => entries,
    isNumber: true,
    isWide: true,
  },
];

const fleetRunColumns = ownRunColumns.toSpliced(1, 0, {
  title: 'Device',
  cell: ({ device }) => <a href={deviceAddress(device)}>{device}</a>,
  by: ({ device }) => device,
});

const states = [
  ...['running', 'sleeping', 'waiting-signal', 'waiting-condition', 'waiting-call', 'retrying'],
  ...['stuck', 'paused', 'completed', 'failed', 'cancelled'],
];
const texts = ['workflow', 'device'] as const;
const RUNS_SHOWN = 200;

interface Filter {
  readonly state?: string[];
  readonly workflow?: string;
  readonly device?: string;
}

/** Runs of all devices, narrowed at the gateway: there may be very many. */
export function Runs() {
  const [filter, setFilter] = useState<Filter>({});
  const pages = usePages();
  const query = { limit: RUNS_SHOWN, ...filter, before: pages.start };
  const { data, problem } = useLive('GET /api/runs', [{ query }]);
  const known = useRef(data);
  // What was seen last stays while others are asked for.
  known.current = data ?? (problem === undefined ? known.current : undefined);
  const { runs = [], next = null } = known.current ?? {};
  const narrow = (event: Event) => {
    event.preventDefault();
    setFilter(filterOf(new FormData(event.currentTarget as HTMLFormElement)));
    pages.reset();
  };
  return (
    <>
      <h1>Runs</h1>
      <ProblemNote problem={problem} />
      <p>The newest first, as far as their entries have arrived.</p>
      <form onSubmit={narrow} onChange={narrow}>
        <label>
          State{' '}
          <select name="state">
            <option value="">any</option>
            {states.map((state) => (
              <option key={state}>{state}</option>
            ))}
          </select>
        </label>
        {texts.map((name) => (
          <label key={name}>
            {`${name.charAt(0).toUpperCase()}${name.slice(1)}`}{' '}
            <input name={name} autocomplete="off" maxLength={128} />
          </label>
        ))}
        <button>Find runs</button>
      </form>
      <Table
        label="Runs"
        columns={fleetRunColumns}
        rows={runs.map(shownRun)}
        keyOf={({ device, id }) => `${device} ${id}`}
        empty={emptyText(known.current === undefined, next)}
      />
      <p class="actions">
        <PageButtons pages={pages} next={next} />
      </p>
    </>
  );
}

function emptyText(isAsking: boolean, next: string | null): string {
  if (isAsking) return 'Asking…';
  return next === null ? 'No run is like this.' : 'None among these; Next looks further back.';
}

function filterOf(form: FormData): Filter {
  const text = (name: string): string => {
    const value = form.get(name);
    return typeof value === 'string' ? value.trim() : '';
  };
  const [state, workflow, device] = [text('state'), text('workflow'), text('device')];
  return {
    ...(state !== '' && { state: [state] }),
    ...(workflow !== '' && { workflow }),
    ...(device !== '' && { device }),
  };
}
