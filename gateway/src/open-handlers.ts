import { randomBytes, randomUUID } from 'node:crypto';
import { HoldfastError, type Log } from '@holdfast/protocol';
import type { GatewayMeter } from './core/gateway-meter.ts';
import { functionExecutor } from './core/handler-function.ts';
import { completePolicy, type HandlerPolicy } from './core/handler-policy.ts';
import type { CallExecutor } from './core/handler-ports.ts';
import { HandlerTracing } from './core/handler-tracing.ts';
import { HandlerRunner } from './core/handlers.ts';
import type { Ledger } from './core/ledger.ts';
import type { Sessions } from './core/sessions.ts';
import type { GatewayOptions } from './gateway-options.ts';
import { endpointExecutor, parseEndpoint } from './io/handler-endpoint.ts';
import { loadHandlers } from './io/handler-module.ts';
import { createAttempts } from './io/retry.ts';
import { sha256 } from './io/sha256.ts';
import { systemClock } from './io/system-clock.ts';

/** What executes the calls of a service, and how. */
interface Service {
  readonly name: string;
  readonly executor: CallExecutor;
  readonly policy: Partial<HandlerPolicy>;
}

/**
 * The services that a gateway is given.
 *
 * @throws HF_HANDLERS_UNREADABLE, HF_USAGE, HF_CONFIG_INVALID for a policy of a service that has no
 *   handler, or that cannot be kept.
 */
export async function readServices(options: GatewayOptions): Promise<readonly Service[]> {
  const { handlers = {}, handlersFile, endpoints = new Map<string, string>() } = options;
  const file = handlersFile === undefined ? undefined : await loadHandlers(handlersFile);
  const executors: readonly (readonly [string, CallExecutor])[] = [
    ...[...Object.entries(handlers), ...(file?.handlers ?? [])].map(
      ([name, handler]) => [name, functionExecutor(handler)] as const,
    ),
    ...Array.from(
      endpoints,
      ([name, url]) => [name, endpointExecutor(parseEndpoint(url))] as const,
    ),
  ];
  const policies = new Map([...(file?.policies ?? []), ...(options.handlerPolicies ?? [])]);
  for (const [name, policy] of policies) {
    completePolicy(policy);
    if (executors.some(([service]) => service === name)) continue;
    const why = `there is a policy for ${name}, and no handler`;
    throw new HoldfastError('HF_CONFIG_INVALID', { why });
  }
  return executors.map(([name, executor]) => {
    return { name, executor, policy: policies.get(name) ?? {} };
  });
}

/** What executes their calls. */
export function createRunner(
  { ledger: address, handlerPolicy: policy, tracer }: GatewayOptions,
  services: readonly Service[],
  {
    ledger,
    log,
    meter,
    sessions,
  }: {
    readonly ledger: Ledger;
    readonly log: Log;
    readonly meter: GatewayMeter;
    readonly sessions: Pick<Sessions, 'issued'>;
  },
): HandlerRunner {
  const attempts = createAttempts();
  const owner = address === undefined ? undefined : randomUUID();
  const tracing = new HandlerTracing({ tracer, randomBytes, clock: systemClock, log });
  const runner = new HandlerRunner({
    ...{ ledger, log, meter, tracing, sha256, attempts, clock: systemClock, owner, policy },
    issued: (device) => sessions.issued(device),
  });
  for (const { name, executor, policy: own } of services) runner.register(name, executor, own);
  return runner;
}
