import { useMemo, useRef, useState } from 'preact/hooks';
import type { ComponentChildren } from 'preact';
import { formatCount, formatDuration, moment } from './format.ts';
import { useRowWindow } from './row-window.ts';
import type { ShownEntry } from './shown.ts';
import { EntryList, SpanDetail, type ValueAddress } from './span-detail.tsx';
import { backdropOf, Bar, type Backdrop } from './timeline-bar.tsx';
import { aheadOf, axisOf, ofRun, spansOf, workedMs } from './timeline.ts';
import type { Scale, Segment, Span, Stretch } from './timeline.ts';

export interface RunShown {
  readonly entries: readonly ShownEntry[];
  /** The run has ended: nothing of it goes on. */
  readonly isOver: boolean;
  /** What can be done from the chosen one on. */
  readonly actionsOf?: (span: Span) => ComponentChildren;
  readonly valueAddress?: ValueAddress;
}

const nowhere = () => undefined;

/** What a run did and waited for, and one of these in full. */
export function RunTimeline(props: RunShown) {
  const { entries, isOver, actionsOf, valueAddress = nowhere } = props;
  const [chosen, setChosen] = useState<number | undefined>();
  const [scale, setScale] = useState<Scale>('active');
  const spans = useMemo(() => spansOf(entries), [entries]);
  const nowMs = Date.now();
  const ahead = useMemo(() => aheadOf(entries, nowMs), [entries]);
  const backdrop = useMemo(() => {
    // What is not over lasts until now.
    const moments = spans.flatMap(({ fromMs, toMs = isOver ? fromMs : nowMs }) => [fromMs, toMs]);
    const happened = entries.flatMap(({ at }) => (at === null ? [] : [Date.parse(at)]));
    return backdropOf(axisOf([...moments, ...happened], scale), ahead);
  }, [entries, scale, isOver]);
  // Entries of another lane may come later: places in the list are not kept.
  const span = spans.find(({ op }) => op === chosen) ?? spans[0];
  const uid = entries.find((entry) => entry.uid !== '')?.uid ?? '';
  const own = ofRun(entries);
  return (
    <>
      <h2>Timeline</h2>
      {span === undefined ? (
        <p class="empty">It has done nothing yet, as far as is known here.</p>
      ) : (
        <>
          <ScaleChoice scale={scale} setScale={setScale} />
          <p>{sumText(spans)}</p>
          <SpanList {...{ spans, backdrop, setChosen }} chosen={span} />
          <Ends axis={backdrop.axis} isOver={isOver} />
          <Waits axis={backdrop.axis} />
          <Ahead stretches={ahead} />
          <SpanDetail {...{ span, uid, valueAddress }}>{actionsOf?.(span)}</SpanDetail>
        </>
      )}
      {own.length > 0 && (
        <section class="panel">
          <h2>The run itself</h2>
          <EntryList entries={own} valueAddress={valueAddress} />
        </section>
      )}
    </>
  );
}

function sumText(spans: readonly Span[]): string {
  const count = `${formatCount(spans.length)} ${spans.length === 1 ? 'operation' : 'operations'}`;
  const ms = workedMs(spans);
  return ms === 0 ? `${count}.` : `${count}; its steps were at work for ${formatDuration(ms)}.`;
}

/** One line an operation; of very many, those are drawn that are seen. */
function SpanList(props: {
  readonly spans: readonly Span[];
  readonly backdrop: Backdrop;
  readonly chosen: Span;
  readonly setChosen: (op: number) => void;
}) {
  const { spans, backdrop, chosen, setChosen } = props;
  const list = useRef<HTMLOListElement>(null);
  const seen = useRowWindow(spans.length, list);
  const { from, to, heightPx } = seen ?? { from: 0, to: spans.length, heightPx: 0 };
  const spacer = (lines: number) =>
    lines > 0 && (
      <li class="spacer" aria-hidden="true" style={{ height: `${lines * heightPx}px` }} />
    );
  return (
    <ol class="timeline" aria-label="What the run did, and when" ref={list}>
      {spacer(from)}
      {spans.slice(from, to).map((span, index) => (
        <li
          key={span.op}
          {...(seen && { 'aria-setsize': spans.length, 'aria-posinset': from + index + 1 })}
        >
          <button
            type="button"
            aria-pressed={span === chosen}
            onClick={() => setChosen(span.op)}
          >
            <span class="name">{span.name}</span>
            <Bar span={span} on={backdrop} />
            <span class="took">{tookText(span)}</span>
          </button>
        </li>
      ))}
      {spacer(spans.length - to)}
    </ol>
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

/** A call is done at the gateway, all else on the device. */
function tookText({ fromMs, toMs, attempts, state, kind }: Span): string {
  const took = toMs === undefined ? 'not over' : formatDuration(Math.max(0, toMs - fromMs));
  const place = kind === 'call' ? ', gateway' : '';
  const tries = attempts > 1 ? `, try ${attempts}` : '';
  return `${took}${place}${tries}${state === 'failed' ? ', failed' : ''}`;
}

function Waits({ axis }: { readonly axis: readonly Segment[] }) {
  const waits = axis.filter(({ isCollapsed }) => isCollapsed);
  if (waits.length === 0) return null;
  return <p class="empty">Grey: nothing happened for {lengthsOf(waits)}; drawn shorter.</p>;
}

function Ahead({ stretches }: { readonly stretches: readonly Stretch[] }) {
  if (stretches.length === 0) return null;
  return (
    <p class="empty">
      Banded: offline, or behind. The device was ahead of the gateway for {lengthsOf(stretches)};
      what it did then arrived later, or is still to come.
    </p>
  );
}

const LENGTHS_SHOWN = 6;

function lengthsOf(stretches: readonly Stretch[]): string {
  const texts = stretches
    .slice(0, LENGTHS_SHOWN)
    .map(({ fromMs, toMs }) => formatDuration(toMs - fromMs));
  const more = stretches.length - LENGTHS_SHOWN;
  return more > 0 ? `${texts.join(', ')} and ${more} times more` : texts.join(', ');
}
