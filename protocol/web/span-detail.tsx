import type { ComponentChildren } from 'preact';
import { formatBytes, formatCount, moment } from './format.ts';
import type { ShownEntry } from './shown.ts';
import type { Span } from './timeline.ts';

/** Where the whole of a value is that is too long for a page; `undefined`: nowhere here. */
export type ValueAddress = (entry: ShownEntry) => string | undefined;

/** What is known of one operation: its attempts, what it was given and what came of it. */
export function SpanDetail(props: {
  readonly span: Span;
  /** What its run began with; empty: not known. */
  readonly uid: string;
  readonly valueAddress: ValueAddress;
  readonly children: ComponentChildren;
}) {
  const { span, uid, valueAddress, children } = props;
  const hasKey = uid !== '' && (span.kind === 'step' || span.kind === 'call');
  return (
    <section class="panel" aria-label={`Selected: ${span.name}`}>
      <h2>{span.name}</h2>
      {hasKey && (
        <p>
          Idempotency key <code>{`${uid}/${span.op}`}</code>
        </p>
      )}
      <EntryList entries={span.entries} valueAddress={valueAddress} />
      {children}
    </section>
  );
}

/** Entries in full, each with when it happened and when it arrived. */
export function EntryList(props: {
  readonly entries: readonly ShownEntry[];
  readonly valueAddress: ValueAddress;
}) {
  const { entries, valueAddress } = props;
  const shown = entries.length > ENTRIES_SHOWN ? entries.slice(-ENTRIES_SHOWN) : entries;
  return (
    <>
      {shown.length < entries.length && (
        <p class="empty">The last {ENTRIES_SHOWN} of {formatCount(entries.length)} entries:</p>
      )}
      <ul>
        {shown.map((entry) => (
          <li key={`${entry.lane} ${entry.seq}`}>
            {entry.kind}
            {entry.attempt > 1 && `, try ${entry.attempt}`}: happened {moment(entry.at)}
            {arrivalText(entry)}
            {entry.value !== null && <Value of={entry} address={valueAddress(entry)} />}
          </li>
        ))}
      </ul>
    </>
  );
}

const ENTRIES_SHOWN = 100;

function arrivalText({ isPending, arrivedAt }: ShownEntry): string {
  if (isPending) return ', not at the gateway yet';
  return arrivedAt === null ? '' : `, arrived ${moment(arrivedAt)}`;
}

/** More than a person reads makes a page slow. */
const TEXT_LENGTH_MAX = 20_000;

/** Of a value that is too large for its entry, which stands in those before it. */
function sizeInParts(value: unknown): number | undefined {
  const { $: kind, size } = (value ?? {}) as { readonly $?: unknown; readonly size?: unknown };
  return kind === 'parts' && typeof size === 'number' ? size : undefined;
}

function Whole({ address }: { readonly address: string | undefined }) {
  if (address === undefined) return null;
  return (
    <a href={address} download="value.json">
      All of it
    </a>
  );
}

function Value(props: { readonly of: ShownEntry; readonly address: string | undefined }) {
  const { value, valueIs } = props.of;
  const size = sizeInParts(value);
  if (size !== undefined) {
    return (
      <p class="label">
        {valueIs} of {formatBytes(size)}. <Whole address={props.address} />
      </p>
    );
  }
  const text = typeof value === 'string' ? value : JSON.stringify(value, null, 2);
  const left = text.length - TEXT_LENGTH_MAX;
  return (
    <>
      {valueIs !== '' && <p class="label">{valueIs}</p>}
      <pre tabIndex={0}>{left > 0 ? text.slice(0, TEXT_LENGTH_MAX) : text}</pre>
      {left > 0 && (
        <p class="empty">
          … and {formatCount(left)} more characters. <Whole address={props.address} />
        </p>
      )}
    </>
  );
}
