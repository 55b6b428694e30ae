import type { Socket } from 'node:net';

/** What one direction of a wire does to the bytes: all that TCP lets happen to them. */
export interface WayShape {
  /** How long each byte is on its way. */
  readonly delayMs: number;
  /** What the way carries; infinite: all at once. */
  readonly bytesPerS: number;
}

export const straight: WayShape = { delayMs: 0, bytesPerS: Number.POSITIVE_INFINITY };

/** Bytes that wait here; beyond it the sender is slowed. */
const QUEUE_BYTES = 64 * 1024;
/** A narrow way passes what it carries in this time at once. */
const SLICE_MS = 50;

/** One direction of a wire. No byte is dropped or overtaken: it comes late, or never. */
export class TcpWay {
  readonly #from: Socket;
  readonly #to: Socket;
  readonly #onPass: (chunk: Buffer) => void;
  #shape: WayShape = straight;
  #isHeld = false;
  #queue: Buffer[] = [];
  #queueBytes = 0;
  #isEnding = false;
  #timer: NodeJS.Timeout | undefined;
  readonly #late = new Set<NodeJS.Timeout>();
  #lateUntilMs = 0;

  constructor(from: Socket, to: Socket, onPass: (chunk: Buffer) => void) {
    this.#from = from;
    this.#to = to;
    this.#onPass = onPass;
    from.on('data', (chunk: Buffer) => this.#take(chunk));
    from.on('end', () => {
      this.#isEnding = true;
      this.#pump();
    });
    to.on('drain', () => this.#pump());
    for (const end of [from, to]) end.on('close', () => this.#stop());
  }

  shape(shape: WayShape): void {
    this.#shape = shape;
  }

  /** Nothing passes until it is let go; what comes meanwhile waits. */
  hold(isHeld: boolean): void {
    this.#isHeld = isHeld;
    this.#pump();
  }

  #take(chunk: Buffer): void {
    this.#queue.push(chunk);
    this.#queueBytes += chunk.byteLength;
    this.#pump();
  }

  #pump(): void {
    while (this.#timer === undefined && !this.#isHeld && !this.#to.writableNeedDrain) {
      const chunk = this.#next();
      if (chunk === undefined) break;
      const { bytesPerS } = this.#shape;
      this.#pass(chunk);
      if (Number.isFinite(bytesPerS)) this.#rest((chunk.byteLength / bytesPerS) * 1_000);
    }
    if (this.#queueBytes > QUEUE_BYTES) this.#from.pause();
    else this.#from.resume();
    if (this.#isEnding && this.#queueBytes === 0) this.#after(() => this.#to.end());
  }

  /** The next bytes that pass at once. */
  #next(): Buffer | undefined {
    const chunk = this.#queue.shift();
    if (chunk === undefined) return undefined;
    const most = Math.max(1, Math.floor((this.#shape.bytesPerS * SLICE_MS) / 1_000));
    const taken = chunk.subarray(0, most);
    if (taken.byteLength < chunk.byteLength) this.#queue.unshift(chunk.subarray(most));
    this.#queueBytes -= taken.byteLength;
    return taken;
  }

  #rest(ms: number): void {
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      this.#pump();
    }, ms);
  }

  #pass(chunk: Buffer): void {
    this.#after(() => {
      this.#onPass(chunk);
      this.#to.write(chunk);
    });
  }

  /** Does it when its time has come, and never before what came before. */
  #after(work: () => void): void {
    const nowMs = performance.now();
    this.#lateUntilMs = Math.max(this.#lateUntilMs, nowMs + this.#shape.delayMs);
    if (this.#lateUntilMs <= nowMs && this.#late.size === 0) return work();
    const timer = setTimeout(() => {
      this.#late.delete(timer);
      if (!this.#to.destroyed) work();
    }, this.#lateUntilMs - nowMs);
    this.#late.add(timer);
  }

  #stop(): void {
    clearTimeout(this.#timer);
    for (const timer of this.#late) clearTimeout(timer);
    this.#queue = [];
    this.#queueBytes = 0;
  }
}
