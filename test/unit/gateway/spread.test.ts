import { retryDelayMs, uplinkLimits } from '@holdfast/agent/internal';
import { sessionsLimits, spreadMsOf } from '@holdfast/gateway/internal';
import test from 'ava';
import { SimChance } from '../../support/sim-chance.ts';

const { connectsPerS } = sessionsLimits;

/** The busiest second when so many devices lose their connection in the same moment. */
function busiest(devices: number, spreadMs: number): number {
  const chance = new SimChance(devices);
  const seconds = new Map<number, number>();
  for (let device = 0; device < devices; device += 1) {
    const delayMs = retryDelayMs(0, chance.next(), { ...uplinkLimits, spreadMs });
    const second = Math.floor(delayMs / 1_000);
    seconds.set(second, (seconds.get(second) ?? 0) + 1);
  }
  return Math.max(...seconds.values());
}

test('10,000 devices that lose their broker come again below the rate, second by second', (t) => {
  const spreadMs = spreadMsOf(10_000, connectsPerS);

  t.is(spreadMs, 25_000);
  t.true(busiest(10_000, spreadMs) <= connectsPerS, `${busiest(10_000, spreadMs)}`);
  t.true(busiest(10_000, 0) > 5_000, 'without a spread most of them come in the first second');
});

test('few devices wait for nobody, and very many not for ever', (t) => {
  t.true(spreadMsOf(10, connectsPerS) < 100);
  t.is(spreadMsOf(10_000_000, connectsPerS), 15 * 60_000);
});
