import { formatBytes, formatCount, formatDuration } from './units.ts';

/** Where progress is told: stderr, since stdout is for what was asked for. */
export interface ProgressPlace {
  /** Whether a person looks at it; else it gets a line now and then. */
  readonly isTerminal: boolean;
  /** Of the terminal, as wide as it is now. Default: no limit. */
  readonly columns?: () => number | undefined;
  /** Calls again and again, and gives what ends it. Default: work that says nothing is not told. */
  readonly every?: (ms: number, look: () => void) => () => void;
  readonly nowMs: () => number;
  readonly write: (text: string) => void;
}

/** How much is done, from the beginning, of how much where that is known, and what else to say. */
export type OnProgress = (done: number, total?: number, more?: string) => void;

export interface ProgressWork {
  /** In a word or two: `verified`. */
  readonly what: string;
  /** How much there is to do; `undefined`: not known. */
  readonly total?: number | undefined;
  /** Default: `entries`. */
  readonly unit?: 'bytes' | 'entries' | 'rows' | 'percent';
}

const DRAW_EVERY_MS = 250;
const LINE_EVERY_MS = 10_000;
const BAR_CELLS = 24;
/** A shorter one says nothing. */
const BAR_CELLS_MIN = 8;
const CLEAR_LINE = '\r\u001b[K';

/**
 * Tells how far long work is: on a terminal a bar with rate and what is left of the time, at most
 * four times a second; into a pipe a line every ten seconds. Work that is soon done says nothing.
 */
export class Progress {
  readonly #place: ProgressPlace;
  readonly #work: ProgressWork;
  readonly #startMs: number;
  readonly #everyMs: number;
  #saidMs: number;
  #reached: readonly [done: number, total: number | undefined, more: string];
  #isDrawn = false;

  constructor(place: ProgressPlace, work: ProgressWork) {
    this.#place = place;
    this.#work = work;
    this.#reached = [0, work.total, ''];
    this.#startMs = place.nowMs();
    this.#saidMs = this.#startMs;
    this.#everyMs = place.isTerminal ? DRAW_EVERY_MS : LINE_EVERY_MS;
  }

  /**
   * @param done Of the work, from its beginning.
   * @param total Where it is another one by now.
   * @param more What else there is to say, in a few words.
   */
  to(done: number, total: number | undefined = this.#work.total, more = ''): void {
    this.#reached = [done, total, more];
    const nowMs = this.#place.nowMs();
    if (nowMs - this.#saidMs < this.#everyMs) return;
    this.#saidMs = nowMs;
    const tookMs = nowMs - this.#startMs;
    const reached = { done, total, tookMs, more };
    this.#isDrawn = this.#place.isTerminal;
    if (!this.#isDrawn) return this.#place.write(`${progressText(this.#work, reached)}\n`);
    // A line that the terminal broke could not be taken away again.
    const columns = this.#place.columns?.() || Number.POSITIVE_INFINITY;
    const text = progressText(this.#work, reached, columns - 1);
    this.#place.write(`${CLEAR_LINE}${text.slice(0, columns - 1)}`);
  }

  /** Tells how far it was, for as long as nothing else is told. @returns What ends that. */
  keep(): () => void {
    return this.#place.every?.(this.#everyMs, () => this.to(...this.#reached)) ?? (() => {});
  }

  /** Takes the bar away: what follows is the result. */
  end(): void {
    if (this.#isDrawn) this.#place.write(CLEAR_LINE);
    this.#isDrawn = false;
  }
}

/** Does the work with a progress that is taken away at its end, however it ends. */
export async function withProgress<T>(
  place: ProgressPlace,
  work: ProgressWork,
  run: (to: OnProgress) => Promise<T>,
): Promise<T> {
  const progress = new Progress(place, work);
  const stop = progress.keep();
  try {
    return await run((done, total, more) => progress.to(done, total, more));
  } finally {
    stop();
    progress.end();
  }
}

interface Reached {
  readonly done: number;
  readonly total: number | undefined;
  readonly tookMs: number;
  readonly more: string;
}

function progressText(
  { what, unit = 'entries' }: ProgressWork,
  reached: Reached,
  columns = Number.POSITIVE_INFINITY,
): string {
  const { done, total, tookMs, more } = reached;
  const rate = tookMs > 0 ? (done / tookMs) * 1_000 : 0;
  const of = total === undefined ? '' : ` of ${amount(total, unit)}`;
  const isCounted = unit !== 'percent' && (done > 0 || total !== undefined);
  const left = total !== undefined && rate > 0 && done < total ? (total - done) / rate : undefined;
  const facts = [
    ...(isCounted ? [`${amount(done, unit)}${of}`, `${amount(Math.round(rate), unit)}/s`] : []),
    ...(done === 0 ? [`for ${formatDuration(tookMs)}`] : []),
    ...(left === undefined ? [] : [`about ${formatDuration(left * 1_000)} left`]),
    ...(more === '' ? [] : [more]),
  ];
  if (total === undefined || total === 0) return [what, ...facts].join('  ');
  const share = Math.min(1, done / total);
  const percent = ` ${Math.floor(share * 100)}%`;
  const room = columns - [what, percent, ...facts].join('  ').length;
  const cells = Math.max(BAR_CELLS_MIN, Math.min(BAR_CELLS, room));
  const filled = Math.floor(share * cells);
  const bar = `${'█'.repeat(filled)}${'▒'.repeat(cells - filled)}${percent}`;
  return [what, bar, ...facts].join('  ');
}

function amount(value: number, unit: string): string {
  return unit === 'bytes' ? formatBytes(value) : formatCount(value);
}
