import { formatBytes, formatCount, formatDuration } from './units.ts';

/** Where progress is told: stderr, since stdout is for what was asked for. */
export interface ProgressPlace {
  /** Whether a person looks at it; else it gets a line now and then. */
  readonly isTerminal: boolean;
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
  #isDrawn = false;

  constructor(place: ProgressPlace, work: ProgressWork) {
    this.#place = place;
    this.#work = work;
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
    const nowMs = this.#place.nowMs();
    if (nowMs - this.#saidMs < this.#everyMs) return;
    this.#saidMs = nowMs;
    const tookMs = nowMs - this.#startMs;
    const text = progressText(this.#work, { done, total, tookMs, more });
    this.#isDrawn = this.#place.isTerminal;
    this.#place.write(this.#isDrawn ? `${CLEAR_LINE}${text}` : `${text}\n`);
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
  try {
    return await run((done, total, more) => progress.to(done, total, more));
  } finally {
    progress.end();
  }
}

interface Reached {
  readonly done: number;
  readonly total: number | undefined;
  readonly tookMs: number;
  readonly more: string;
}

function progressText({ what, unit = 'entries' }: ProgressWork, reached: Reached): string {
  const { done, total, tookMs, more } = reached;
  const rate = tookMs > 0 ? (done / tookMs) * 1_000 : 0;
  const parts = [what];
  if (total !== undefined && total > 0) {
    const share = Math.min(1, done / total);
    const filled = Math.floor(share * BAR_CELLS);
    parts.push(
      `${'█'.repeat(filled)}${'▒'.repeat(BAR_CELLS - filled)} ${Math.floor(share * 100)}%`,
    );
  }
  if (unit !== 'percent') {
    const of = total === undefined ? '' : ` of ${amount(total, unit)}`;
    parts.push(`${amount(done, unit)}${of}`, `${amount(Math.round(rate), unit)}/s`);
  }
  if (total !== undefined && rate > 0 && done < total) {
    parts.push(`about ${formatDuration(((total - done) / rate) * 1_000)} left`);
  }
  if (more !== '') parts.push(more);
  return parts.join('  ');
}

function amount(value: number, unit: string): string {
  return unit === 'bytes' ? formatBytes(value) : formatCount(value);
}
