import { createRequire, syncBuiltinESMExports } from 'node:module';
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
  ...reachesOf('performance', performance, 'now'),
  ...reachesOf('', globalThis, 'setTimeout', 'setInterval', 'setImmediate', 'fetch', 'WebSocket'),
  ...reachesOf('process', process, 'hrtime', 'uptime'),
  ...reachesOf('AbortSignal', AbortSignal, 'timeout'),
  ...reachesOf('crypto', crypto, 'randomUUID', 'getRandomValues'),
  ...reachesOf('timers', builtin('timers'), 'setTimeout', 'setInterval', 'setImmediate'),
  ...reachesOf('timers/promises', builtin('timers/promises'), 'setTimeout', 'setInterval'),
  ...reachesOf('timers/promises', builtin('timers/promises'), 'setImmediate'),
  ...reachesOf('crypto', builtin('crypto'), 'randomBytes', 'randomUUID', 'randomInt'),
  ...reachesOf('crypto', builtin('crypto'), 'randomFill', 'randomFillSync'),
  ...reachesOf('fs', builtin('fs'), ...called(builtin('fs'))),
  ...reachesOf('fs/promises', builtin('fs/promises'), ...called(builtin('fs/promises'))),
  ...reachesOf('child_process', builtin('child_process'), ...called(builtin('child_process'))),
  ...reachesOf('dgram', builtin('dgram'), 'createSocket'),
  ...reachesOf('tls', builtin('tls'), 'connect', 'createServer'),
  ...reachesOf('http', builtin('http'), 'request', 'get'),
  ...reachesOf('https', builtin('https'), 'request', 'get'),
  ...reachesOf('net', builtin('net'), 'connect', 'createConnection', 'createServer'),
  ...reachesOf('dns', builtin('dns'), 'lookup', 'resolve'),
  ...reachesOf('dns/promises', builtin('dns/promises'), 'lookup', 'resolve'),
];

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
  const RealDate = Date;
  const reached = (call: string): never => {
    onReach(call);
    throw new AssertionError(`${call} is real, and was reached from a virtual world`);
  };
  const before = forbidden.map(({ object, name }) => Object.getOwnPropertyDescriptor(object, name));
  for (const { call, object, name } of forbidden) {
    const real: unknown = Reflect.get(object, name);
    const value = Object.assign(
      (...args: unknown[]): unknown => {
        const mayBe = call.startsWith('fs') && isOfTools();
        return mayBe && typeof real === 'function'
          ? Reflect.apply(real, object, args)
          : reached(call);
      },
      { bigint: () => reached(call) },
    );
    Object.defineProperty(object, name, { value, configurable: true, writable: true });
  }
  globalThis.Date = dateThat(reached);
  syncBuiltinESMExports();
  try {
    return await body();
  } finally {
    globalThis.Date = RealDate;
    forbidden.forEach(({ object, name }, index) => {
      const descriptor = before[index];
      if (descriptor === undefined) Reflect.deleteProperty(object, name);
      else Object.defineProperty(object, name, descriptor);
    });
    syncBuiltinESMExports();
  }
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
function dateThat(reached: (call: string) => never): DateConstructor {
  return new Proxy(Date, {
    construct(target, args: unknown[], newTarget): object {
      if (args.length === 0) return reached('new Date()');
      return Reflect.construct(target, args, newTarget) as object;
    },
    apply: () => reached('Date()'),
  });
}
