import { createRequire, syncBuiltinESMExports } from 'node:module';
import { Socket } from 'node:net';
import { scheduler } from 'node:timers/promises';
import { promisify } from 'node:util';
import { AssertionError } from '@holdfast/protocol';

const require = createRequire(import.meta.url);
/** What `import` of a module of Node's gives, to be changed: no import can. */
const builtin = (name: string): object => require(`node:${name}`) as object;

interface Reach {
  /** As a person would write the call. */
  readonly call: string;
  readonly object: object;
  readonly name: string;
}

type AnyFunction = (...args: unknown[]) => unknown;

function reachesOf(what: string, object: object, ...names: readonly string[]): readonly Reach[] {
  return names.map((name) => ({ call: what === '' ? name : `${what}.${name}`, object, name }));
}

const called = (object: object): readonly string[] =>
  Object.keys(object).filter((name) => /^[a-z]/.test(name) && isCallable(object, name));
const isCallable = (object: object, name: string): boolean =>
  typeof Reflect.get(object, name) === 'function';

/** What a virtual world must not reach: real time, chance, disks, processes and networks. */
const forbidden: readonly Reach[] = [
  ...reachesOf('Date', Date, 'now'),
  ...reachesOf('Math', Math, 'random'),
  ...reachesOf('Atomics', Atomics, 'wait', 'waitAsync'),
  ...reachesOf('performance', performance, 'now'),
  ...reachesOf('', globalThis, 'setTimeout', 'setInterval', 'setImmediate', 'fetch'),
  ...reachesOf('', globalThis, 'WebSocket', 'EventSource'),
  ...reachesOf('process', process, 'hrtime', 'uptime', 'cpuUsage'),
  ...reachesOf('AbortSignal', AbortSignal, 'timeout'),
  ...reachesOf('crypto', crypto, 'randomUUID', 'getRandomValues'),
  ...reachesOf('timers', builtin('timers'), 'setTimeout', 'setInterval', 'setImmediate'),
  ...reachesOf('timers/promises', builtin('timers/promises'), 'setTimeout', 'setInterval'),
  ...reachesOf('timers/promises', builtin('timers/promises'), 'setImmediate'),
  ...reachesOf('timers/promises.scheduler', scheduler, 'wait', 'yield'),
  ...reachesOf('crypto', builtin('crypto'), 'randomBytes', 'randomUUID', 'randomInt'),
  ...reachesOf('crypto', builtin('crypto'), 'randomFill', 'randomFillSync'),
  ...reachesOf('crypto', builtin('crypto'), 'generateKey', 'generateKeySync'),
  ...reachesOf('crypto', builtin('crypto'), 'generateKeyPair', 'generateKeyPairSync'),
  ...reachesOf('fs', builtin('fs'), ...called(builtin('fs'))),
  ...reachesOf('fs/promises', builtin('fs/promises'), ...called(builtin('fs/promises'))),
  ...reachesOf('child_process', builtin('child_process'), ...called(builtin('child_process'))),
  ...reachesOf('worker_threads', builtin('worker_threads'), 'Worker'),
  ...reachesOf('dgram', builtin('dgram'), 'createSocket'),
  ...reachesOf('tls', builtin('tls'), 'connect', 'createServer'),
  ...reachesOf('http', builtin('http'), 'request', 'get', 'createServer'),
  ...reachesOf('https', builtin('https'), 'request', 'get', 'createServer'),
  ...reachesOf('http2', builtin('http2'), 'connect', 'createServer', 'createSecureServer'),
  ...reachesOf('net', builtin('net'), 'connect', 'createConnection', 'createServer'),
  ...reachesOf('net.Socket', Socket.prototype, 'connect'),
  ...reachesOf('dns', builtin('dns'), ...called(builtin('dns'))),
  ...reachesOf('dns/promises', builtin('dns/promises'), ...called(builtin('dns/promises'))),
].filter(({ object, name }) => isCallable(object, name));

/** Told of each call of what is real; `undefined`: no world is under way, and all may be called. */
let guard: ((call: string) => void) | undefined;
/** Takes the wires away again; `undefined`: none are laid. */
let takeAway: (() => void) | undefined;

/**
 * Runs something during which each call of real time, chance, disks, processes or networks throws,
 * naming itself.
 *
 * @param onReach Told of each such call: what throws may be caught.
 */
export async function guarded<T>(
  body: () => Promise<T>,
  onReach: (call: string) => void = () => {},
): Promise<T> {
  const wasLaid = takeAway !== undefined;
  layWires();
  guard = onReach;
  try {
    return await body();
  } finally {
    guard = undefined;
    if (!wasLaid) takeAway?.();
  }
}

/**
 * Has everything that is real pass by the guard, which lets it pass until a world begins. Code that
 * is loaded from now on, and keeps what it will call, keeps it with the guard.
 */
export function layWires(): void {
  if (takeAway !== undefined) return;
  const RealDate = Date;
  const before = forbidden.map(({ object, name }) => Object.getOwnPropertyDescriptor(object, name));
  for (const { call, object, name } of forbidden) {
    // The list holds what can be called only.
    const value = wired(call, Reflect.get(object, name) as AnyFunction);
    Object.defineProperty(object, name, { value, configurable: true, writable: true });
  }
  globalThis.Date = dateThat();
  syncBuiltinESMExports();
  takeAway = () => {
    takeAway = undefined;
    globalThis.Date = RealDate;
    forbidden.forEach(({ object, name }, index) => {
      const descriptor = before[index];
      if (descriptor === undefined) Reflect.deleteProperty(object, name);
      else Object.defineProperty(object, name, descriptor);
    });
    syncBuiltinESMExports();
  };
}

/** @throws AssertionError while a world is under way. */
function reach(call: string): void {
  if (guard === undefined) return;
  if (call.startsWith('fs') && isOfTools()) return;
  guard(call);
  throw new AssertionError(`${call} is real, and was reached from a virtual world`);
}

/** What every function has, and none of what it can do is in. */
const ofEach: ReadonlySet<string | symbol> = new Set([
  ...['length', 'name', 'prototype', 'arguments', 'caller'],
]);

/** Other ways to call a function, that hang on it. */
const forms: ReadonlySet<string | symbol> = new Set(['bigint', 'native', promisify.custom]);

/** A function, with the other forms of it that it has, such as the one that gives a promise. */
function wired(call: string, real: AnyFunction): AnyFunction {
  const told = function (this: unknown, ...args: unknown[]): unknown {
    reach(new.target === undefined ? call : `new ${call}`);
    return new.target === undefined
      ? Reflect.apply(real, this, args)
      : Reflect.construct(real, args, new.target === told ? real : new.target);
  };
  for (const key of Reflect.ownKeys(real)) {
    if (ofEach.has(key)) continue;
    const form: unknown = Reflect.get(real, key);
    const name = typeof key === 'string' ? `${call}.${key}` : call;
    const isForm = forms.has(key) && typeof form === 'function' && form !== real;
    const value = isForm ? wired(name, form as AnyFunction) : form;
    Object.defineProperty(told, key, { value, configurable: true, writable: true });
  }
  // What is made with `new` is one of these, whoever made it.
  Object.defineProperty(told, 'prototype', { value: Reflect.get(real, 'prototype') as unknown });
  return told;
}

/** Whether code is being loaded, or the places of an error are read from its source. */
function isOfTools(): boolean {
  const shown = Object.getOwnPropertyDescriptor(Error, 'prepareStackTrace');
  Reflect.deleteProperty(Error, 'prepareStackTrace');
  const asked: { stack?: string } = {};
  Error.captureStackTrace(asked);
  const { stack = '' } = asked;
  if (shown !== undefined) Object.defineProperty(Error, 'prepareStackTrace', shown);
  return /prepareStackTrace|node:internal\/modules\//.test(stack);
}

/** A `Date` that knows dates, and not which one it is. */
function dateThat(): DateConstructor {
  return new Proxy(Date, {
    construct(target, args: unknown[], newTarget): object {
      if (args.length === 0) reach('new Date()');
      return Reflect.construct(target, args, newTarget) as object;
    },
    apply(target, self, args: unknown[]) {
      reach('Date()');
      return Reflect.apply(target, self, args) as unknown;
    },
  });
}
