import { useState } from 'preact/hooks';
import type { ComponentChildren } from 'preact';
import { formatDuration, moment } from './format.ts';
import type { ShownEntry } from './shown.ts';
import { aheadOf, axisOf, placeOn, spansOf } from './timeline.ts';
import type { Scale, Segment, Span, Stretch } from './timeline.ts';

/** What a run did and waited for, and one of these in full. */
export function RunTimeline(props: {
  readonly entries: readonly ShownEntry[];
  /** The run has ended: nothing of it goes on. */
  readonly isOver: boolean;
  /** What can be done from the chosen one on. */
  readonly actionsOf?: (span: Span) => ComponentChildren;
}) {
  const { entries, isOver, actionsOf } = props;
  const [chosen, setChosen] = useState<number | undefined>();
  const [scale, setScale] = useState<Scale>('active');
  const spans = spansOf(entries);
  const nowMs = Date.now();
  // What is not over lasts until now.
  const moments = spans.flatMap(({ fromMs, toMs = isOver ? fromMs : nowMs }) => [fromMs, toMs]);
  const ahead = aheadOf(entries, nowMs);
  const happened = entries.flatMap(({ at }) => (at === null ? [] : [Date.parse(at)]));
  const axis = axisOf([...moments, ...happened], scale);
  // Entries of another lane may come later: places in the list are not kept.
  const span = spans.find(({ op }) => op === chosen) ?? spans[0];
  if (span === undefined) return null;
  return (
    <>
      <h2>Timeline</h2>
      <ScaleChoice scale={scale} setScale={setScale} />
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
      <Ends axis={axis} isOver={isOver} />
      <Waits axis={axis} />
      <Ahead stretches={ahead} />
      <Detail span={span}>{actionsOf?.(span)}</Detail>
    </>
  );
}

const scales: readonly (readonly [Scale, string])[] = [
  ['active', 'Waits drawn short'],
  ['clock', 'By the clock'],
];

function ScaleChoice(props: {
  readonly scale: Scale;
  readonly setScale: (scale: Scale) => void;
}) {
  return (
    <p class="actions" role="group" aria-label="Scale">
      {scales.map(([scale, title]) => (
        <button
          key={scale}
          type="button"
          class="tile"
          aria-pressed={props.scale === scale}
          onClick={() => props.setScale(scale)}
        >
          {title}
        </button>
      ))}
    </p>
  );
}

/** From when to when the axis goes. */
function Ends({ axis, isOver }: { readonly axis: readonly Segment[]; readonly isOver: boolean }) {
  const [first, last] = [axis[0], axis.at(-1)];
  if (first === undefined || last === undefined) return null;
  const text = (ms: number) => moment(new Date(ms).toISOString());
  return (
    <p class="ends">
      <span>{text(first.fromMs)}</span>
      <span>{isOver ? text(last.toMs) : 'now'}</span>
    </p>
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
          y="0"
          width={Math.max(3, (placeOn(axis, toMs) - placeOn(axis, fromMs)) * 1_000)}
          height="12"
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
      Banded: offline, or behind. The device was ahead of the gateway for {texts.join(', ')}; what
      it did then arrived later, or is still to come.
    </p>
  );
}

function Detail(props: { readonly span: Span; readonly children: ComponentChildren }) {
  const { span, children } = props;
  return (
    <section class="panel">
      <h2>{span.name}</h2>
      <ul>
        {span.entries.map((entry) => (
          <li key={`${entry.lane} ${entry.seq}`}>
            {entry.kind}: happened {moment(entry.at)}
            {arrivalText(entry)}
            {entry.value !== null && <pre tabIndex={0}>{pretty(entry.value)}</pre>}
          </li>
        ))}
      </ul>
      {children}
    </section>
  );
}

function arrivalText({ isPending, arrivedAt }: ShownEntry): string {
  if (isPending) return ', not at the gateway yet';
  return arrivedAt === null ? '' : `, arrived ${moment(arrivedAt)}`;
}

/** More than a person reads makes a page slow; commands print all of it. */
const TEXT_LENGTH_MAX = 20_000;

function pretty(value: unknown): string {
  const text = typeof value === 'string' ? value : JSON.stringify(value, null, 2);
  if (text.length <= TEXT_LENGTH_MAX) return text;
  const left = text.length - TEXT_LENGTH_MAX;
  return `${text.slice(0, TEXT_LENGTH_MAX)}\n… and ${left} more characters`;
}
