import { readFileSync } from 'node:fs';
import test from 'ava';
import { SimClock } from '../../support/sim-clock.ts';
import { counter, metricsText, type Metric, type Report } from '@holdfast/protocol';
import {
  deviceMetrics,
  CertificateWatch,
  GatewayMeter,
  overloadMetrics,
  certificateMetrics,
  gatewayMetrics,
  type DeviceLive,
} from '@holdfast/gateway/internal';

function live(device: string, head: number, state: DeviceLive['state'] = 'syncing'): DeviceLive {
  const none = { head: 0, acked: 0, backlogBytes: 0, oldestAtMs: 0 };
  const reported: Report = {
    ...{ epoch: 1, atMs: 1, agentVersion: '0.1.0', boot: 1, monoMs: 1 },
    lanes: [none, { ...none, head, acked: 2 }, none],
    runs: [{ state: 'stuck', count: 1 }],
  };
  return {
    ...{ device, state, reported, reportedAtMs: 1, lastSeenAtMs: 1, lastAckAtMs: 1 },
    ...{ pending: Math.max(0, head - 2), arrived: 2, clockAheadMs: 0 },
    ...{ refusals: 0, refusal: undefined },
  };
}

const committed = (fresh: number) =>
  ({
    kind: 'committed',
    ...{ position: { watermark: fresh, hash: new Uint8Array(32) }, fresh, calls: 0 },
    ...{ issued: 0, lastReceipt: 0 },
  }) as const;

function busy(): readonly Metric[] {
  const meter = new GatewayMeter();
  meter.took(committed(7), 3);
  meter.took(committed(0), 1);
  meter.took({ kind: 'gap', position: { watermark: 0, hash: new Uint8Array(32) } }, 1);
  meter.arrived(90_000);
  meter.arrived(-5);
  meter.refused('HF_SIGNATURE_INVALID');
  meter.told({ kind: 'taken' });
  meter.attempted('stock', true, 20);
  const lives = [live('a', 5), live('b', 90), live('c', 2, 'synced')];
  const service = { service: 'stock', held: 1, running: 1, waiting: 0, pausedMs: 0 };
  const now = {
    ...{ version: '0.1.0', live: lives, unready: [], residentBytes: 1 },
    services: [{ ...service, breaker: 'open' as const }],
    unhandled: [{ service: 'mail', calls: 3, oldestAtMs: 1 }],
  };
  const refused = ['gateway_http_refused_total', 'gateway_broker_refused_total'].map((name) =>
    counter(name, '', [{ labels: { reason: '' }, value: 0 }]),
  );
  const late = [...overloadMetrics({ lateness: { ms: 1_500 }, shed: { count: 4 } })];
  const expiry = { certificate: 'api', expiresAtMs: 90_000 } as const;
  late.push(...certificateMetrics([expiry], 200_500, 100_500));
  const own = [...late, ...gatewayMetrics(now), ...meter.metrics()];
  return [...own, ...deviceMetrics(lives, 2), ...refused];
}

function valueOf(name: string, labels: Readonly<Record<string, string>> = {}): number | undefined {
  const { values = [] } = busy().find((each) => each.name === name) ?? {};
  return values.find((each) => Object.entries(labels).every(([key, v]) => each.labels[key] === v))
    ?.value;
}

test('a gateway tells how late it is with its work, and what it leaves then', (t) => {
  t.is(valueOf('gateway_late_seconds'), 1.5);
  t.is(valueOf('gateway_unread_reports_total'), 4);
});

test('a gateway tells for how long its certificates are valid', (t) => {
  t.is(valueOf('gateway_certificate_seconds', { certificate: 'api' }), -11);
  t.is(valueOf('gateway_device_certificate_seconds'), 100);
});

test('the certificate of a device that expires first is looked at now and again', async (t) => {
  const clock = new SimClock();
  const answers = [{ device: 'a', toMs: 7 }, undefined, { device: 'b', toMs: 9 }];
  const firstToExpire = async () => {
    if (answers.length === 2) {
      answers.pop();
      throw new Error('the ledger is away');
    }
    return answers.shift();
  };
  const log = { debug: () => {} };
  const watch = new CertificateWatch({ clock, log, ledger: { firstToExpire } });
  t.is(watch.expiresAtMs, undefined);
  await clock.advance(30_000);
  t.is(watch.expiresAtMs, 7);
  await clock.advance(600_000);
  t.is(watch.expiresAtMs, 7, 'what is known has not changed');
  await clock.advance(600_000);
  t.is(watch.expiresAtMs, undefined, 'there is none any more');
  watch.close();
});

test('a gateway counts what it took, what came twice, and what it refused', (t) => {
  t.is(valueOf('gateway_ingested_entries_total'), 7);
  t.is(valueOf('gateway_batches_total', { outcome: 'committed' }), 1);
  t.is(valueOf('gateway_batches_total', { outcome: 'duplicate' }), 1);
  t.is(valueOf('gateway_batches_total', { outcome: 'gap' }), 1);
  t.is(valueOf('gateway_refused_messages_total', { code: 'HF_SIGNATURE_INVALID' }), 1);
});

test('a gateway says how its fleet is, and names devices only when asked to', (t) => {
  t.is(valueOf('gateway_devices', { state: 'syncing' }), 2);
  t.is(valueOf('gateway_devices', { state: 'offline' }), 0);
  t.is(valueOf('gateway_reported_backlog_entries'), 3 + 88);
  t.is(valueOf('gateway_reported_runs', { state: 'stuck' }), 3);
  t.is(valueOf('gateway_service_closed', { service: 'stock' }), 1);
  const text = metricsText(deviceMetrics([live('a', 5), live('b', 90), live('c', 2)], 2));
  t.regex(text, /device="b"} 88\n.*device="a"} 3\n$/);
  t.is(metricsText(deviceMetrics([live('a', 5)], 0)), '\n');
});

test('times are counted in the bucket that they belong to', (t) => {
  t.is(valueOf('gateway_arrival_delay_seconds', { le: '60' }), 1, 'one of the past');
  t.is(valueOf('gateway_arrival_delay_seconds', { le: '300' }), 2);
  t.is(
    valueOf('gateway_handler_seconds', { service: 'stock', outcome: 'completed', le: '0.05' }),
    1,
  );
});

test('docs/reference/gateway-metrics.md has every metric, its type and its labels', (t) => {
  const path = new URL('../../../../docs/reference/gateway-metrics.md', import.meta.url);
  const rows = readFileSync(path, 'utf8').matchAll(/^\| `([a-z_]+)` \| (\w+) \| ([^|]*)\|/gm);
  const documented = Array.from(rows, ([, name = '', type = '', labels = '']) =>
    [name, type, ...Array.from(labels.matchAll(/`(\w+)`/g), ([, label]) => label)].join(' '),
  );
  const real = busy().map(({ name, type, values }) => {
    const labels = Object.keys(values[0]?.labels ?? {}).filter((label) => label !== 'le');
    return [name, type, ...labels].join(' ');
  });

  t.deepEqual(documented.toSorted(), real.toSorted());
});
