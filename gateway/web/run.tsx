import { useState } from 'preact/hooks';
import type { DeviceDetailView } from '../src/core/device-views.ts';
import type { EntryView } from '../src/core/fleet-views.ts';
import { useLive } from './api.ts';
import { RunActions } from './commands.tsx';
import { valueOf } from './entries.tsx';
import { ago, formatDuration, moment, short } from './format.ts';
import { Facts, ProblemNote, State } from './parts.tsx';
import { aheadOf, axisOf, placeOn, spansOf } from './timeline.ts';
import type { Segment, Span, Stretch } from './timeline.ts';

const PAGE = 1_000;

/** Entries of a run among the newest of a lane. */
function useEntries(device: DeviceDetailView | undefined, lane: EntryView['lane'], run: string) {
  const watermark = device?.lanes.find((each) => each.lane === lane)?.watermark ?? 0;
  const after = Math.max(0, watermark - PAGE);
  const asked = { params: { id: device?.device ?? '' }, query: { lane, after, limit: PAGE } };
  const args = watermark === 0 ? undefined : ([asked] as const);
  const { data } = useLive('GET /api/devices/{id}/entries', args, 4_000);
  return (data?.entries ?? []).filter((entry) => entry['run'] === run);
}

export function Run(props: {
  readonly device: string;
  readonly id: string;
  readonly mayAct: boolean;
}) {
  const { device: name, id, mayAct } = props;
  const params = { id: name };
  const device = useLive('GET /api/devices/{id}', [{ params }], 4_000);
  const runs = useLive('GET /api/devices/{id}/runs', [{ params, query: { run: id } }], 4_000);
  const run = runs.data?.runs[0];
  const normal = useEntries(device.data, 'normal', id);
  const urgent = useEntries(device.data, 'urgent', id);
  const entries = [...normal, ...urgent];
  const missing = (run?.entries ?? 0) - entries.length;
  return (
    <>
      <h1>
        {id} {run !== undefined && <State of={run.state} />}
      </h1>
      <ProblemNote problem={device.problem ?? runs.problem} />
      {runs.data !== undefined && run === undefined && (
        <p class="empty">No entry of this run has arrived from {name}.</p>
      )}
      {run !== undefined && (
        <Facts
          rows={[
            ['device', <a href={`#/devices/${name}`}>{name}</a>],
            ['workflow', run.workflow],
            ['started', `${moment(run.startedAt)} (${ago(run.startedAt)})`],
            ['updated', ago(run.updatedAt)],
            ...(run.status === null ? [] : ([['says', short(run.status, 200)]] as const)),
          ]}
        />
      )}
      {run !== undefined && mayAct && <RunActions device={name} run={id} state={run.state} />}
      {entries.length > 0 && <Timeline entries={entries} />}
      {missing > 0 && entries.length > 0 && (
        <p class="empty">
          {missing} earlier entries are in the <a href={`#/devices/${name}`}>journal</a> of the
          device.
        </p>
      )}
    </>
  );
}

function Timeline({ entries }: { readonly entries: readonly EntryView[] }) {
  const [chosen, setChosen] = useState<number | undefined>();
  const spans = spansOf(entries);
  const moments = spans.flatMap(({ fromMs, toMs }) =>
    toMs === undefined ? [fromMs] : [fromMs, toMs],
  );
  const ahead = aheadOf(entries);
  const axis = axisOf([...moments, ...entries.map((each) => Date.parse(String(each['at'])))]);
  // Entries of another lane may come later: places in the list are not kept.
  const span = spans.find(({ op }) => op === chosen) ?? spans[0];
  if (span === undefined) return null;
  return (
    <>
      <h2>Timeline</h2>
      <ol class="timeline" aria-label="What the run did, and when">
        {spans.map((each) => (
          <li key={each.op}>
            <button type="button" aria-pressed={each === span} onClick={() => setChosen(each.op)}>
              <span class="name">{each.name}</span>
              <Bar span={each} axis={axis} ahead={ahead} />
              <span class="took">{tookText(each)}</span>
            </button>
          </li>
        ))}
      </ol>
      <Waits axis={axis} />
      <Ahead stretches={ahead} />
      <Detail span={span} />
    </>
  );
}

function tookText({ fromMs, toMs, attempts, state }: Span): string {
  const took = toMs === undefined ? 'not over' : formatDuration(Math.max(0, toMs - fromMs));
  const tries = attempts > 1 ? `, try ${attempts}` : '';
  return `${took}${tries}${state === 'failed' ? ', failed' : ''}`;
}

/** Drawn, since a length is no word of CSS that a strict page may be told in. */
function Bar(props: {
  readonly span: Span;
  readonly axis: readonly Segment[];
  readonly ahead: readonly Stretch[];
}) {
  const { span, axis, ahead } = props;
  const from = placeOn(axis, span.fromMs) * 1_000;
  const to = (span.toMs === undefined ? 1 : placeOn(axis, span.toMs)) * 1_000;
  return (
    <svg viewBox="0 0 1000 12" preserveAspectRatio="none" aria-hidden="true">
      {axis
        .filter(({ isCollapsed }) => isCollapsed)
        .map((wait) => (
          <rect
            class="wait"
            x={wait.from * 1_000}
            y="0"
            width={(wait.to - wait.from) * 1_000}
            height="12"
          />
        ))}
      {ahead.map(({ fromMs, toMs }) => (
        <rect
          class="ahead"
          x={placeOn(axis, fromMs) * 1_000}
          y="10"
          width={Math.max(3, (placeOn(axis, toMs) - placeOn(axis, fromMs)) * 1_000)}
          height="2"
        />
      ))}
      <rect
        class={`bar ${span.kind} ${span.state}`}
        x={from}
        y="2"
        width={Math.max(3, to - from)}
        height="8"
      />
    </svg>
  );
}

function Waits({ axis }: { readonly axis: readonly Segment[] }) {
  const waits = axis.filter(({ isCollapsed }) => isCollapsed);
  if (waits.length === 0) return null;
  const texts = waits.map(({ fromMs, toMs }) => formatDuration(toMs - fromMs));
  return <p class="empty">Grey: nothing happened for {texts.join(', ')}; drawn shorter.</p>;
}

function Ahead({ stretches }: { readonly stretches: readonly Stretch[] }) {
  if (stretches.length === 0) return null;
  const texts = stretches.map(({ fromMs, toMs }) => formatDuration(toMs - fromMs));
  return (
    <p class="empty">
      Underlined: the device was ahead of the gateway for {texts.join(', ')}; what it did then
      arrived later.
    </p>
  );
}

function Detail({ span }: { readonly span: Span }) {
  return (
    <section class="cause">
      <h2>{span.name}</h2>
      <ul>
        {span.entries.map((entry) => (
          <li>
            {entry.kind}: happened {moment(String(entry['at']))}, arrived {moment(entry.receivedAt)}
            {valueOf(entry) !== null && <pre>{pretty(valueOf(entry))}</pre>}
          </li>
        ))}
      </ul>
    </section>
  );
}

function pretty(value: unknown): string {
  return typeof value === 'string' ? value : JSON.stringify(value, null, 2);
}
