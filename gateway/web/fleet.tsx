import { useRef, useState } from 'preact/hooks';
import { formatCount } from '../../protocol/web/format.ts';
import { PageButtons, usePages } from '../../protocol/web/pages.tsx';
import { ProblemNote, Tiles } from '../../protocol/web/parts.tsx';
import { Table, unsorted } from '../../protocol/web/table.tsx';
import { useLive } from './api.ts';
import { FleetBacklog } from './backlog.tsx';
import { ColumnChoice, useColumns } from './column-choice.tsx';
import { tagsOf } from './enrolment-tags.ts';
import { fleetColumns, order, type FleetRow } from './fleet-columns.tsx';
import { FleetExport, type FleetFilter } from './fleet-export.tsx';
import { FilterForm, type Filter } from './fleet-filter.tsx';

const DEVICES_SHOWN = 200;
const noFilter: Filter = { text: '', tags: '', version: '', order: 'attention' };

export function Fleet() {
  const [state, setState] = useState<string | undefined>();
  const [filter, setFilter] = useState(noFilter);
  const { columns, hidden, show } = useColumns(fleetColumns);
  const pages = usePages();
  const narrowed = narrowedBy(filter, state);
  const query = { order: filter.order, limit: DEVICES_SHOWN, after: pages.start, peaks: true };
  const { data, problem } = useLive(
    'GET /api/devices',
    narrowed && [{ query: { ...query, ...narrowed } }],
  );
  const backlog = useLive('GET /api/backlog', []);
  // What was seen last stays while other devices are asked for.
  const known = useRef(data);
  known.current = data ?? known.current;
  const { devices = [], summary, next = null } = known.current ?? {};
  const first = backlog.data?.catchingUp.first ?? [];
  const catchUps = new Map(first.map((each) => [each.device, each]));
  const rows = devices.map((each): FleetRow => {
    return { ...each, catchUp: catchUps.get(each.device) };
  });
  const change = (changed: Partial<Filter>) => {
    setFilter({ ...filter, ...changed });
    pages.reset();
  };
  const all = summary?.devices ?? 0;
  const fitting = state === undefined ? all : (summary?.states[state] ?? 0);
  // How many a search would find, nobody counts.
  const isSearched = filter.text !== '' || filter.version !== '' || filter.tags.trim() !== '';
  const isWhole = pages.back === undefined && next === null && devices.length < DEVICES_SHOWN;
  return (
    <>
      <h1>Fleet</h1>
      <ProblemNote problem={problem} />
      <Tiles
        label="Devices by state"
        counts={new Map(Object.entries(summary?.states ?? {}))}
        chosen={state}
        choose={(chosen) => {
          setState(chosen);
          pages.reset();
        }}
      />
      <FleetBacklog of={backlog} pending={summary?.pending ?? 0} />
      <FilterForm
        {...{ filter, change }}
        isWrong={narrowed === undefined}
        versions={summary?.versions ?? {}}
      />
      <div class="above">
        <span>
          {summary !== undefined && countText(devices.length, isSearched ? undefined : fitting)}
        </span>
        <ColumnChoice all={fleetColumns} {...{ hidden, show }} />
        {narrowed !== undefined && <FleetExport filter={narrowed} />}
      </div>
      <Table
        label="Devices"
        columns={isWhole ? columns : unsorted(columns)}
        rows={rows}
        keyOf={({ device }) => device}
        empty={emptyText(known.current === undefined && problem === undefined, all)}
      />
      <p class="actions">
        {filter.order === 'id' && !isWhole && <PageButtons pages={pages} next={next} />}
      </p>
    </>
  );
}

/** What the API is asked for; `undefined`: tags that are half written are none to ask for. */
function narrowedBy(filter: Filter, state: string | undefined): FleetFilter | undefined {
  const tags = tagsOf(filter.tags);
  if (tags === undefined) return undefined;
  return {
    search: filter.text === '' ? undefined : filter.text,
    version: filter.version === '' ? undefined : filter.version,
    tag: Object.entries(tags).map(([name, value]) => `${name}=${value}`),
    state: order.filter((each) => each === state),
  };
}

/** `fitting`: how many there are, where that is known. */
function countText(shown: number, fitting: number | undefined): string {
  const devices = (count: number) => `${formatCount(count)} ${count === 1 ? 'device' : 'devices'}`;
  if (fitting === undefined) return `${devices(shown)} found`;
  return shown >= fitting ? devices(fitting) : `${formatCount(shown)} of ${devices(fitting)}`;
}

function emptyText(isAsking: boolean, all: number): string {
  if (isAsking) return 'Asking…';
  return all === 0
    ? 'No device yet: Enrolment lets one in, and each that is let in is shown here.'
    : 'No device is like this.';
}
