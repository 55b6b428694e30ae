/** Something that went wrong, and when. Times of the virtual world, ms. */
export interface Happened {
  readonly kind: string;
  /** Empty: all of them. */
  readonly device: string;
  readonly fromMs: number;
  /** As long as it lasts: not known. */
  readonly toMs: number | null;
}

/** Of each kind, so that a month of outages does not fill memory. */
const KEPT_MAX = 500;
/** Of all kinds, to be seen while it happens. */
const RECENT_MAX = 3;

/** What went wrong in a world: all of it counted, the first of each kind kept. */
export class Timeline {
  readonly #happened: { -readonly [K in keyof Happened]: Happened[K] }[] = [];
  readonly #counts = new Map<string, number>();
  /** What began last. */
  readonly recent: { readonly atMs: number; readonly what: string }[] = [];

  /** @returns For `end`. */
  begin(kind: string, device: string, fromMs: number): number {
    const count = (this.#counts.get(kind) ?? 0) + 1;
    this.#counts.set(kind, count);
    this.recent.push({ atMs: fromMs, what: `${kind} of ${device || 'all'}` });
    if (this.recent.length > RECENT_MAX) this.recent.shift();
    if (count > KEPT_MAX) return -1;
    this.#happened.push({ kind, device, fromMs: Math.round(fromMs), toMs: null });
    return this.#happened.length - 1;
  }

  end(noted: number, toMs: number): void {
    const happened = this.#happened[noted];
    if (happened !== undefined) happened.toMs = Math.round(toMs);
  }

  get happened(): readonly Happened[] {
    return this.#happened;
  }

  /** How often, by kind. */
  counts(): Readonly<Record<string, number>> {
    return Object.fromEntries(this.#counts);
  }
}
