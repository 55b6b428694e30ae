import { gauge, single, type Metric, type Tallied } from '@holdfast/protocol';
import type { ServiceState } from './handled-service.ts';
import type { UnhandledCalls } from './handlers.ts';
import { liveStates, type DeviceLive } from './live.ts';

/** How a gateway is at a moment. */
export interface GatewayNow {
  readonly version: string;
  readonly live: readonly DeviceLive[];
  readonly services: readonly ServiceState[];
  readonly unhandled: readonly UnhandledCalls[];
  /** Why it cannot do its work; empty: it can. */
  readonly unready: readonly string[];
  readonly residentBytes: number;
}

export function gatewayMetrics(now: GatewayNow): readonly Metric[] {
  const { live, services, unhandled } = now;
  return [
    gauge('gateway_ready', '1 while it can do its work', single(now.unready.length === 0 ? 1 : 0)),
    gauge('gateway_devices', 'Devices by state', byState(live)),
    gauge(
      'gateway_reported_backlog_entries',
      'Entries that devices said they have and the ledger has not, in all',
      single(sum(live.map(({ pending }) => pending))),
    ),
    gauge('gateway_reported_runs', 'Runs on devices by state, as they said', runsByState(live)),
    gauge(
      'gateway_call_attempts',
      'Calls in hand here, by service: running or waiting for their turn',
      services.flatMap(({ service, running, waiting }) => [
        { labels: { service, state: 'running' }, value: running },
        { labels: { service, state: 'waiting' }, value: waiting },
      ]),
    ),
    gauge(
      'gateway_service_closed',
      '1 while a service is left alone, since it kept failing',
      services.map(({ service, breaker }) => ({
        labels: { service },
        value: breaker === 'closed' ? 0 : 1,
      })),
    ),
    gauge(
      'gateway_unhandled_calls',
      'Calls that no gateway has a handler for, by service',
      unhandled.map(({ service, calls }) => ({ labels: { service }, value: calls })),
    ),
    gauge('gateway_resident_bytes', 'Memory of the process', single(now.residentBytes)),
    gauge('gateway_build_info', 'Always 1', [{ labels: { version: now.version }, value: 1 }]),
  ];
}

/** Those with the largest backlogs: a number for each device of a fleet would be too many. */
export function deviceMetrics(live: readonly DeviceLive[], devicesMax: number): readonly Metric[] {
  const behind = live.map(({ device, pending }) => ({ device, backlog: pending }));
  const largest = behind.toSorted((a, b) => b.backlog - a.backlog).slice(0, devicesMax);
  return [
    gauge(
      'gateway_device_backlog_entries',
      'The largest backlogs, by device',
      largest.map(({ device, backlog }) => ({ labels: { device }, value: backlog })),
    ),
  ];
}

function byState(live: readonly DeviceLive[]): readonly Tallied[] {
  return liveStates.map((state) => ({
    labels: { state },
    value: live.filter((each) => each.state === state).length,
  }));
}

function runsByState(live: readonly DeviceLive[]): readonly Tallied[] {
  const counts = new Map<string, number>();
  for (const { reported } of live) {
    for (const { state, count } of reported?.runs ?? []) {
      counts.set(state, (counts.get(state) ?? 0) + count);
    }
  }
  return Array.from(counts, ([state, value]) => ({ labels: { state }, value }));
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((all, each) => all + each, 0);
}
