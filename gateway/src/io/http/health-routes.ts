import { counter, metricsText, type Metric } from '@holdfast/protocol';
import type { FastifyInstance } from 'fastify';
import { brokerRefusalReasons, type BrokerRefusals } from '../../core/access/broker-refusals.ts';
import { refusalReasons, type Refusals } from './refusals.ts';
import type { ApiRoutes } from './routes.ts';
import { healthQuery, liveAnswer, metricsQuery, readyAnswer } from './schemas/health.ts';

export interface HealthCheck {
  readonly name: string;
  /** In words; `undefined`: there is none. */
  readonly problem: string | undefined;
}

export interface HealthParts {
  /** What the gateway needs to do its work, as it is now. */
  readonly checks: () => readonly HealthCheck[];
  /** Of the gateway, with the backlogs of so many devices, the largest. */
  readonly metrics: (devicesMax: number) => readonly Metric[];
  /** What was refused at brokers. */
  readonly turned: BrokerRefusals;
}

/** For supervisors and load balancers, who show nothing. */
export function addHealth(app: FastifyInstance, { checks }: HealthParts): void {
  const open = { security: [] };
  const live = { ...open, summary: 'Whether the process is alive', response: { 200: liveAnswer } };
  app.get('/livez', { schema: live }, () => ({ schema: 'holdfast.live/1', live: true }));
  const summary = 'Whether the gateway can do its work; if not, why';
  const ready = { ...open, summary, response: { 200: readyAnswer, 503: readyAnswer } };
  app.get('/readyz', { schema: ready }, (_request, reply) => {
    const reasons = checks().flatMap(({ problem }) => problem ?? []);
    const isReady = reasons.length === 0;
    const body = { schema: 'holdfast.readiness/1', ready: isReady, reasons };
    return reply.code(isReady ? 200 : 503).send(body);
  });
  const all = { ...open, summary: 'The same for people, a line for each check' };
  app.get('/healthz', { schema: { ...all, querystring: healthQuery } }, (_request, reply) => {
    const found = checks();
    const isWell = found.every(({ problem }) => problem === undefined);
    const lines = found.map(({ name, problem }) =>
      problem === undefined ? `[+] ${name}: ok` : `[-] ${name}: ${problem}`,
    );
    void reply.code(isWell ? 200 : 503).type('text/plain; charset=utf-8');
    return reply.send(`${lines.join('\n')}\n`);
  });
  const hide = true; // It describes itself.
  app.get('/openapi.json', { schema: { hide } }, () => app.swagger());
}

/** For Prometheus. */
export function addMetrics(
  routes: ApiRoutes,
  { metrics, turned }: HealthParts,
  refusals: Refusals,
): void {
  const answer = 'text/plain; version=0.0.4; charset=utf-8';
  const summary = 'Metrics for Prometheus';
  const route = { role: 'viewer', summary, query: metricsQuery, answer } as const;
  routes.read('GET /metrics', route, ({ query, reply }) => {
    const refused = counter(
      'gateway_http_refused_total',
      'Requests that the HTTP API did not do, by why',
      refusalReasons.map((reason) => ({ labels: { reason }, value: refusals.count(reason) })),
    );
    const atBrokers = counter(
      'gateway_broker_refused_total',
      'What clients of brokers were not let do, by why',
      brokerRefusalReasons.map((reason) => ({ labels: { reason }, value: turned.count(reason) })),
    );
    void reply.type(answer);
    return metricsText([...metrics(query.devices ?? 0), refused, atBrokers]);
  });
}
