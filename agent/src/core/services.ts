import type { CallOptions, Context } from './workflow.ts';

/** What handlers look like from here: `typeof handlers` of the gateway's module is one. */
export type ServiceMap = Readonly<Record<string, (input: never, ...more: never[]) => unknown>>;

/** `ctx.call` that knows the services: their names, what each takes, and what it gives. */
export type CallOf<S extends ServiceMap> = <N extends keyof S & string>(
  service: N,
  input: Parameters<S[N]>[0],
  options?: CallOptions,
) => Promise<Awaited<ReturnType<S[N]>>>;

/**
 * Gives the calls of a run the types of what answers them, so that the compiler checks both ends:
 *
 *   import type { handlers } from '../cloud/handlers.ts';
 *   const call = services<typeof handlers>(ctx);
 *   const left = await call('stock.take', { sku: 'A-1' });
 */
export function services<S extends ServiceMap>(ctx: Pick<Context, 'call'>): CallOf<S> {
  // What a handler gives is its own word: nothing is checked when it comes.
  return (service, input, options) => ctx.call(service, input, options);
}
