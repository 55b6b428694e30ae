/** For our own tests, simulator and benchmarks. Carries no promise. */
export * from './core/api-problem.ts';
export * from './core/api-query.ts';
export * from './core/fleet-views.ts';
export * from './core/fleet.ts';
export * from './core/handler-function.ts';
export * from './core/handler-ports.ts';
export * from './core/handlers.ts';
export * from './core/ledger.ts';
export * from './io/handler-endpoint.ts';
export * from './io/handler-module.ts';
export * from './io/http-api.ts';
export * from './io/retry.ts';
