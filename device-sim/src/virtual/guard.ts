import { AssertionError } from '@holdfast/protocol';

/** What a virtual world must not reach: real time and real chance. */
const forbidden: readonly (readonly [object: object, name: string])[] = [
  [Date, 'now'],
  [Math, 'random'],
  [performance, 'now'],
  [globalThis, 'setTimeout'],
  [globalThis, 'setInterval'],
  [globalThis, 'fetch'],
  [crypto, 'randomUUID'],
  [crypto, 'getRandomValues'],
];

/**
 * Runs something during which each call of real time, real chance or the network throws, naming
 * itself.
 */
export async function guarded<T>(body: () => Promise<T>): Promise<T> {
  const before = forbidden.map(([object, name]) => Object.getOwnPropertyDescriptor(object, name));
  for (const [object, name] of forbidden) {
    const value = (): never => {
      throw new AssertionError(`${name} is real, and was reached from a virtual world`);
    };
    Object.defineProperty(object, name, { value, configurable: true, writable: true });
  }
  try {
    return await body();
  } finally {
    forbidden.forEach(([object, name], index) => {
      const descriptor = before[index];
      if (descriptor === undefined) Reflect.deleteProperty(object, name);
      else Object.defineProperty(object, name, descriptor);
    });
  }
}
