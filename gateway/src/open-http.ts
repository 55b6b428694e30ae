import { randomUUID } from 'node:crypto';
import { keyNameOf, type Metric, type Log } from '@holdfast/protocol';
import { certificateMetrics } from './core/certificates/certificate-metrics.ts';
import { BacklogHistory } from './core/backlog/backlog-history.ts';
import { EventFeed } from './core/event-feed.ts';
import { createFleet } from './core/fleet.ts';
import { deviceMetrics, gatewayMetrics } from './core/gateway-metrics.ts';
import type { DeviceRecord } from './core/ledger.ts';
import { overloadMetrics } from './core/overload/overload-metrics.ts';
import { createDesks } from './device-desks.ts';
import type { HealthCheck } from './io/http/health-routes.ts';
import { startHttpApi, type HttpApi } from './io/http-api.ts';
import { sha256 } from './io/sha256.ts';
import { systemClock } from './io/system-clock.ts';
import type { Closers } from './open-stores.ts';
import { createWebhookDesk, reachOf } from './open-webhooks.ts';
import { version } from './version.ts';
import type { GatewayOptions } from './gateway-options.ts';
import type { Parts } from './gateway-parts.ts';

const silent: Log = { error: () => {}, info: () => {}, debug: () => {} };

/** Serves the HTTP API of a gateway, where it is to have one. */
export async function openHttp(
  options: GatewayOptions,
  parts: Parts,
  closers: Closers,
): Promise<HttpApi | undefined> {
  const { httpHost: host = '127.0.0.1', httpPort: port, log = silent } = options;
  if (port === undefined) return undefined;
  const { ledger, sessions, runner, webhooks, access, tls } = parts;
  const history = new BacklogHistory(systemClock.nowMs());
  const running = {
    ...{ live: () => sessions.live(), history },
    unhandled: () => runner.unhandled(),
    services: () => runner.services(),
    wake: () => runner.wake(),
    issued: (device: string) => sessions.issued(device),
    rekeyed: (record: DeviceRecord) => {
      sessions.rekeyed(record);
      if (record.publicKey.byteLength === 0) parts.broker.disconnect(record.device);
    },
  };
  const reach = { ...reachOf(options, parts.signer), meter: parts.meter };
  const desk = createWebhookDesk(reach, () => void webhooks.changed());
  const fleet = createFleet({ sha256, ledger, clock: systemClock, running, webhooks: desk });
  const desks = createDesks({ ...parts, rekeyed: running.rekeyed });
  const { hook, refusals: turned } = parts.doors;
  const key = keyNameOf(sha256, parts.signer.publicKey);
  const feed = new EventFeed(randomUUID().slice(0, 8));
  parts.arrivals.add((arrival) => {
    feed.arrived(arrival);
    history.arrived(arrival.device, arrival.fresh);
  });
  const look = (): void => {
    const live = sessions.live();
    feed.look(live);
    history.look(live, systemClock.nowMs());
  };
  const looked = { feed, look, key };
  const metrics = (devicesMax: number) => metricsOf(parts, devicesMax);
  const health = { version: version(), checks: () => checksOf(parts), metrics };
  const own = { clock: systemClock, log, ...health, ...looked };
  const secured = { tls: tls.http, pin: tls.pin };
  const asked = { ...secured, ...desks, hook, turned, fleet, access };
  const http = await startHttpApi({ host, port, ...asked, ...own });
  closers.push(() => http.close());
  return http;
}

function metricsOf(parts: Parts, devicesMax: number): readonly Metric[] {
  const { sessions, runner, meter } = parts;
  const live = sessions.live();
  const now = {
    ...{ version: version(), live, unready: unready(parts) },
    ...{ services: runner.services(), unhandled: runner.unhandled() },
    residentBytes: process.memoryUsage.rss(),
  };
  const own = [...gatewayMetrics(now), ...meter.metrics(), ...overloadMetrics(parts.overload)];
  const worst = parts.certificates.expiresAtMs;
  const certificates = certificateMetrics(parts.tls.expiries(), worst, systemClock.nowMs());
  return [...own, ...certificates, ...deviceMetrics(live, devicesMax)];
}

/** What it needs to do its work, and why it has it not. */
function checksOf({ link, fault, problem }: Parts): readonly HealthCheck[] {
  const named = (name: string, words: string | undefined) => ({
    name,
    problem: words && `no connection to the ${name}: ${words}`,
  });
  const process = { name: 'process', problem: fault.error?.message };
  return [named('ledger', problem()), named('broker', link.problem), process];
}

/** Why the gateway cannot do its work now, in words; empty: it can. */
export function unready(parts: Parts): readonly string[] {
  return checksOf(parts).flatMap(({ problem }) => problem ?? []);
}
