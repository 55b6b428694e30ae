import { wantsColor } from '@holdfast/protocol';
import { pictureLine, pictureOf, type FleetLook } from '../report/picture.ts';

const DRAW_EVERY_MS = 250;
const LINE_EVERY_MS = 10_000;
/** Of a terminal that does not say how wide it is. */
const COLUMNS = 80;
/** Taken before a world is begun, in which nobody may have it. */
const { hrtime } = process;
const wallNs = (): bigint => hrtime.bigint();

type Out = Pick<NodeJS.WriteStream, 'write' | 'isTTY' | 'columns' | 'rows'>;

/** How far a fleet is, on stderr: a picture on a terminal, else a line every ten seconds. */
export class LiveProgress {
  readonly #out: Out;
  readonly #isDrawn: boolean;
  readonly #startNs = wallNs();
  #saidMs = 0;
  #linesDrawn = 0;

  constructor(out: Out = process.stderr) {
    this.#out = out;
    this.#isDrawn = out.isTTY && process.env['TERM'] !== 'dumb';
  }

  /** @param lookOf Called when it is time to say something. */
  readonly look = (lookOf: () => FleetLook): void => {
    const nowMs = this.#tookMs;
    if (nowMs - this.#saidMs < (this.#isDrawn ? DRAW_EVERY_MS : LINE_EVERY_MS)) return;
    this.#saidMs = nowMs;
    if (this.#isDrawn) this.#draw(lookOf());
    else this.#out.write(`${pictureLine(lookOf(), nowMs)}\n`);
  };

  /** Leaves the terminal as it was found. */
  end(): void {
    this.#clear();
  }

  /** By the clock on the wall, which a virtual world does not take away from here. */
  get #tookMs(): number {
    return Number((wallNs() - this.#startNs) / 1_000_000n);
  }

  #draw(look: FleetLook): void {
    const columns = this.#out.columns || COLUMNS;
    const color = wantsColor(process.stderr, process.env);
    const lines = pictureOf(look, { tookMs: this.#tookMs, columns, color });
    // What does not fit could not be taken away again.
    const shown = lines.slice(0, Math.max(1, (this.#out.rows || lines.length + 1) - 1));
    this.#clear();
    this.#out.write(`${shown.join('\n')}\n`);
    this.#linesDrawn = shown.length;
  }

  #clear(): void {
    if (this.#linesDrawn > 0) this.#out.write(`\u001b[${this.#linesDrawn}A\u001b[J`);
    this.#linesDrawn = 0;
  }
}
