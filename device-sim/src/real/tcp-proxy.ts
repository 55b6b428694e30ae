import {
  createConnection,
  createServer,
  type AddressInfo,
  type Server,
  type Socket,
} from 'node:net';
import { HoldfastError, assert } from '@holdfast/protocol';

/**
 * What the link does.
 *
 * - `up`: bytes pass.
 * - `cut`: connections are reset and new ones refused at once, as when an interface goes down.
 * - `hold`: nothing passes, nothing is closed: a link that is dead and does not say so.
 */
export type LinkMode = 'up' | 'cut' | 'hold';

/** A wire between two processes that can be cut, for real: neither end takes part in it. */
export interface TcpProxy {
  readonly port: number;
  /** Bytes that have passed towards the target, and back. */
  readonly passed: { up: number; down: number };
  readonly mode: LinkMode;
  setMode(mode: LinkMode): void;
  /** Resolves when bytes pass next in either direction. */
  onceBusy(): Promise<void>;
  close(): Promise<void>;
}

interface Wire {
  readonly near: Socket;
  readonly far: Socket;
}

/** Where a wire leads, and where it begins. */
export interface WireEnds {
  readonly host: string;
  readonly port: number;
  /** Port of 127.0.0.1 that it listens on; default: the system chooses one. */
  readonly listenAt?: number;
}

/** Listens on 127.0.0.1. While it is closed, nothing listens there. */
export async function createTcpProxy(target: WireEnds): Promise<TcpProxy> {
  const wires = new Set<Wire>();
  const passed = { up: 0, down: 0 };
  let mode: LinkMode = 'up';
  let busy: (() => void)[] = [];

  const pass = (from: Socket, to: Socket, way: 'up' | 'down'): void => {
    from.on('data', (chunk: Buffer) => {
      passed[way] += chunk.byteLength;
      for (const resolve of busy.splice(0)) resolve();
      // Backpressure goes through, as on a wire: the sender is slowed, nothing is dropped.
      if (!to.write(chunk)) from.pause();
    });
    to.on('drain', () => {
      if (mode === 'up') from.resume();
    });
  };

  const server = createServer((near) => {
    if (mode === 'cut') {
      near.resetAndDestroy();
      return;
    }
    const far = createConnection(target);
    const wire = { near, far };
    wires.add(wire);
    for (const end of [near, far]) end.setNoDelay(true);
    pass(near, far, 'up');
    pass(far, near, 'down');
    if (mode === 'hold') setPaused(wire, true);
    joinEnds(wire, () => wires.delete(wire));
  });
  await listen(server, target.listenAt ?? 0);
  const address = server.address();
  assert(typeof address === 'object' && address !== null, 'a TCP server has an address');

  return {
    port: (address satisfies AddressInfo).port,
    passed,
    get mode() {
      return mode;
    },
    setMode(next) {
      mode = next;
      for (const wire of wires) {
        if (next === 'cut') reset(wire);
        else setPaused(wire, next === 'hold');
      }
    },
    onceBusy: () => new Promise((resolve) => busy.push(resolve)),
    close() {
      for (const wire of wires) reset(wire);
      busy = [];
      return new Promise((resolve) => server.close(() => resolve()));
    },
  };
}

/** What happens to one end happens to the other. */
function joinEnds(wire: Wire, onGone: () => void): void {
  const { near, far } = wire;
  for (const [end, other] of [
    [near, far],
    [far, near],
  ] as const) {
    end.on('end', () => other.end());
    end.on('error', () => resetEnd(other));
    end.on('close', () => {
      other.destroy();
      onGone();
    });
  }
}

function setPaused({ near, far }: Wire, isPaused: boolean): void {
  for (const end of [near, far]) {
    if (isPaused) end.pause();
    else end.resume();
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

function listen(server: Server, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', (cause) => reject(new HoldfastError('HF_PORT_TAKEN', { cause })));
    server.listen(port, '127.0.0.1', resolve);
  });
}
