import { formatCount, formatDuration, paint, wantsColor } from '@holdfast/protocol';
import { judged } from '../report/report.ts';
import type { Scenario } from '../scenario/scenario.ts';
import type { World } from '../virtual/world.ts';

const DRAW_EVERY_MS = 250;
const LINE_EVERY_MS = 10_000;
const BAR = 20;
/** Taken before a world is begun, in which nobody may have it. */
const { hrtime } = process;
const wallNs = (): bigint => hrtime.bigint();

type Out = Pick<NodeJS.WriteStream, 'write' | 'isTTY' | 'columns'>;

/** How far a world is, on stderr: a picture on a terminal, else a line every ten seconds. */
export class LiveProgress {
  readonly #scenario: Scenario;
  readonly #seed: number;
  readonly #out: Out;
  readonly #startNs = wallNs();
  #saidMs = 0;
  #linesDrawn = 0;

  constructor(scenario: Scenario, seed: number, out: Out = process.stderr) {
    this.#scenario = scenario;
    this.#seed = seed;
    this.#out = out;
  }

  /** By the clock on the wall, which a virtual world does not take away from here. */
  get tookMs(): number {
    return Number((wallNs() - this.#startNs) / 1_000_000n);
  }

  readonly look = (world: World): void => {
    const sinceMs = this.tookMs - this.#saidMs;
    if (sinceMs < (this.#out.isTTY ? DRAW_EVERY_MS : LINE_EVERY_MS)) return;
    this.#saidMs = this.tookMs;
    if (this.#out.isTTY) this.#draw(world);
    else this.#out.write(`${this.#line(world)}\n`);
  };

  /** Leaves the terminal as it was found. */
  end(): void {
    this.#clear();
  }

  #line(world: World): string {
    const { name } = this.#scenario;
    const { entries, violations } = world.witness;
    const found = `${formatCount(entries)} entries, ${violations.length} violations`;
    const share = this.#share(world);
    const leftMs = share > 0 ? (this.tookMs / share) * (1 - share) : 0;
    const left = share > 0 && share < 1 ? `, about ${formatDuration(leftMs)} left` : '';
    const rate = `×${this.#speed(world)} real time`;
    return `${name}: ${Math.round(100 * share)} % of virtual time, ${rate}, ${found}${left}`;
  }

  #speed({ time }: World): string {
    return formatCount(Math.round(time.monoMs() / Math.max(1, this.tookMs)));
  }

  #share({ time }: World): number {
    return Math.min(1, time.monoMs() / this.#scenario.durationMs);
  }

  #draw(world: World): void {
    const lines = pictureOf(world, {
      scenario: this.#scenario,
      seed: this.#seed,
      share: this.#share(world),
      tookMs: this.tookMs,
      color: wantsColor(process.stderr, process.env),
    });
    this.#clear();
    // A line that the terminal broke would be two to go back over.
    const columns = this.#out.columns || Number.POSITIVE_INFINITY;
    const shown = lines.map((line) => (line.includes('\u001b') ? line : line.slice(0, columns)));
    this.#out.write(`${shown.join('\n')}\n`);
    this.#linesDrawn = lines.length;
  }

  #clear(): void {
    if (this.#linesDrawn > 0) this.#out.write(`\u001b[${this.#linesDrawn}A\u001b[J`);
    this.#linesDrawn = 0;
  }
}

export interface PictureOptions {
  readonly scenario: Pick<Scenario, 'name' | 'devices' | 'durationMs'>;
  readonly seed: number;
  readonly share: number;
  readonly tookMs: number;
  readonly color: boolean;
}

/** What a terminal shows of a world that is under way. */
export function pictureOf(world: World, options: PictureOptions): string[] {
  const { scenario, seed, share, tookMs, color } = options;
  const { witness, timeline, network, observer } = world;
  const last = observer.samples.at(-1) ?? { entries: 0, pending: 0, offline: 0, down: 0 };
  const filled = Math.round(share * BAR);
  const bar = '█'.repeat(filled) + '▒'.repeat(BAR - filled);
  const leftMs = share > 0 ? (tookMs / share) * (1 - share) : 0;
  const left = world.isHealing ? 'everything heals' : `~${formatDuration(leftMs)} left`;
  const speed = formatCount(Math.round(world.time.monoMs() / Math.max(1, tookMs)));
  const at = `${clockOf(world.time.monoMs())} / ${clockOf(scenario.durationMs)}`;
  const mishaps = Object.entries({ ...timeline.counts(), ...network.met })
    .filter(([, count]) => count > 0)
    .map(([what, count]) => `${what} ${formatCount(count)}`);
  const broken = new Set(witness.violations.map(({ promise }) => promise));
  const marks = judged.map(([promise]) =>
    broken.has(promise)
      ? paint(`✗ ${promise}`, 'red', color)
      : paint(`✓ ${promise}`, 'green', color),
  );
  const { devices } = scenario;
  const online = devices - Math.max(last.offline, last.down);
  const fleet = `online ${online} · offline ${last.offline} · down ${last.down}`;
  const most = Math.max(0, ...observer.samples.map(({ pending }) => pending));
  const [appended, acked, pending, pendingMax] = [
    ...[last.entries, last.entries - last.pending, last.pending, most],
  ].map(formatCount);
  return [
    `${scenario.name}  seed ${seed}   virtual ${at}  ${bar}  ${Math.round(100 * share)} %`,
    ` ×${speed} real time   elapsed ${formatDuration(tookMs)}, ${left}`,
    ` devices   ${formatCount(devices)}   ${fleet}`,
    ` journal   appended ${appended}   acked ${acked}   pending ${pending} (max ${pendingMax})`,
    ` faults    ${mishaps.slice(0, 8).join(' · ') || 'none yet'}`,
    ` checks    ${marks.join('  ')}   ${witness.violations.length} violations`,
  ];
}

/** Hours, minutes and seconds, as a clock has them. */
function clockOf(ms: number): string {
  const seconds = Math.floor(ms / 1_000);
  const parts = [Math.floor(seconds / 3_600), Math.floor(seconds / 60) % 60, seconds % 60];
  return parts.map((part) => String(part).padStart(2, '0')).join(':');
}
