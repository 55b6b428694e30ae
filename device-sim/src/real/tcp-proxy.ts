import { createConnection, createServer, type Server, type Socket } from 'node:net';
import { HoldfastError, assert } from '@holdfast/protocol';
import { TcpWay, straight, type WayShape } from './tcp-way.ts';

/**
 * What the link does.
 *
 * - `up`: bytes pass.
 * - `cut`: connections are reset and new ones refused at once, as when an interface goes down.
 * - `hold`: nothing passes, nothing is closed: a link that is dead and does not say so.
 * - `hold-up`, `hold-down`: so, one way only.
 * - `stale`: connections of before are dead and do not say so; new ones work.
 * - `silent`: new connections are taken, and nobody answers them.
 */
export type LinkMode = 'up' | 'cut' | 'hold' | 'hold-up' | 'hold-down' | 'stale' | 'silent';

/** A wire between two processes that can be cut, for real: neither end takes part in it. */
export interface TcpProxy {
  /** Also once it is closed. */
  readonly port: number;
  /** Bytes that have passed towards the target, and back. */
  readonly passed: { up: number; down: number };
  /** Connections that were taken. */
  readonly connections: number;
  readonly mode: LinkMode;
  setMode(mode: LinkMode): void;
  /** How slow it is from now on, each way. */
  setShape(shape: Partial<WayShape>): void;
  /** Resets all connections once so many more bytes have passed towards the target. */
  cutAfter(bytes: number): void;
  /** Resolves when bytes pass next in either direction. */
  onceBusy(): Promise<void>;
  close(): Promise<void>;
}

/** Where a wire leads, and where it begins. */
export interface WireEnds {
  readonly host: string;
  readonly port: number;
  /** Port of 127.0.0.1 that it listens on; default: the system chooses one. */
  readonly listenAt?: number;
  /** Called for each connection: who listens on it. */
  readonly tap?: () => Tap;
}

/** Who is told of the bytes of a connection that have passed, each way. */
export interface Tap {
  up(chunk: Uint8Array): void;
  down(chunk: Uint8Array): void;
}

interface Wire {
  readonly near: Socket;
  readonly far: Socket;
  readonly up: TcpWay;
  readonly down: TcpWay;
}

/** Listens on 127.0.0.1. While it is closed, nothing listens there. */
export async function createTcpProxy(target: WireEnds): Promise<TcpProxy> {
  const proxy = new Proxy(target);
  await proxy.listen();
  return proxy;
}

class Proxy implements TcpProxy {
  readonly passed = { up: 0, down: 0 };
  port = 0;
  connections = 0;
  mode: LinkMode = 'up';
  readonly #target: WireEnds;
  readonly #server: Server;
  readonly #wires = new Set<Wire>();
  /** Near ends that nobody answers. */
  readonly #unanswered = new Set<Socket>();
  #shape = straight;
  #cutAt = Number.POSITIVE_INFINITY;
  #busy: (() => void)[] = [];

  constructor(target: WireEnds) {
    this.#target = target;
    // An end that is done may still be told things.
    this.#server = createServer({ allowHalfOpen: true }, (near) => this.#accept(near));
  }

  async listen(): Promise<void> {
    await new Promise<void>((resolve, reject) => {
      this.#server.once('error', (cause) => reject(new HoldfastError('HF_PORT_TAKEN', { cause })));
      this.#server.listen(this.#target.listenAt ?? 0, '127.0.0.1', resolve);
    });
    const address = this.#server.address();
    assert(typeof address === 'object' && address !== null, 'a TCP server has an address');
    this.port = address.port;
  }

  setMode(next: LinkMode): void {
    this.mode = next;
    for (const wire of this.#wires) {
      if (next === 'cut') reset(wire);
      else hold(wire, next);
    }
    if (next === 'silent') return;
    for (const near of this.#unanswered) resetEnd(near);
  }

  setShape(shape: Partial<WayShape>): void {
    this.#shape = { ...this.#shape, ...shape };
    for (const { up, down } of this.#wires) for (const way of [up, down]) way.shape(this.#shape);
  }

  cutAfter(bytes: number): void {
    this.#cutAt = this.passed.up + bytes;
  }

  onceBusy(): Promise<void> {
    return new Promise((resolve) => this.#busy.push(resolve));
  }

  close(): Promise<void> {
    for (const wire of this.#wires) reset(wire);
    for (const near of this.#unanswered) resetEnd(near);
    this.#busy = [];
    return new Promise((resolve) => this.#server.close(() => resolve()));
  }

  #accept(near: Socket): void {
    this.connections += 1;
    if (this.mode === 'cut') {
      near.resetAndDestroy();
      return;
    }
    if (this.mode === 'silent') return this.#leaveAlone(near);
    const { host, port } = this.#target;
    const far = createConnection({ host, port, allowHalfOpen: true });
    for (const end of [near, far]) end.setNoDelay(true);
    const tap = this.#target.tap?.();
    const passed = (way: 'up' | 'down') => (chunk: Buffer) => {
      tap?.[way](chunk);
      this.#note(way, chunk.byteLength);
    };
    const up = new TcpWay(near, far, passed('up'));
    const down = new TcpWay(far, near, passed('down'));
    const wire = { near, far, up, down };
    this.#wires.add(wire);
    for (const way of [up, down]) way.shape(this.#shape);
    if (this.mode !== 'stale') hold(wire, this.mode);
    joinEnds(wire, () => this.#wires.delete(wire));
  }

  #leaveAlone(near: Socket): void {
    this.#unanswered.add(near);
    near.on('error', () => {});
    near.on('close', () => this.#unanswered.delete(near));
    near.resume();
  }

  #note(way: 'up' | 'down', bytes: number): void {
    this.passed[way] += bytes;
    for (const resolve of this.#busy.splice(0)) resolve();
    if (this.passed.up < this.#cutAt) return;
    this.#cutAt = Number.POSITIVE_INFINITY;
    // What has passed is to arrive.
    setImmediate(() => {
      for (const wire of this.#wires) reset(wire);
    });
  }
}

function hold({ up, down }: Wire, mode: LinkMode): void {
  const isDead = mode === 'hold' || mode === 'stale';
  up.hold(isDead || mode === 'hold-up');
  down.hold(isDead || mode === 'hold-down');
}

/** What happens to one end happens to the other. */
function joinEnds(wire: Wire, onGone: () => void): void {
  const { near, far } = wire;
  for (const [end, other] of [
    [near, far],
    [far, near],
  ] as const) {
    end.on('error', () => resetEnd(other));
    end.on('close', () => {
      other.destroy();
      onGone();
    });
  }
}

function reset({ near, far }: Wire): void {
  resetEnd(near);
  resetEnd(far);
}

/**
 * Resets one end. A socket of Node 20 that is reset while its FIN is on the way never closes, and
 * the process that has it spins when it exits: such a one is only closed.
 */
function resetEnd(end: Socket): void {
  if (end.writableEnded) end.destroy();
  else end.resetAndDestroy();
}
