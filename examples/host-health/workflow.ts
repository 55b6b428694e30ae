import { workflow } from '@holdfast/agent';
import { alarmsOf, readLimits, unlimited } from './limits.ts';
import type { Alarm, Limits, Reading } from './limits.ts';
import { readDisk, readLoad, readMemory, readTemperature } from './readings.ts';

const diskPath = process.env['HEALTH_DISK_PATH'] ?? '/';

/** A run of its own for each alarm: it can be found by its name, here and at the gateway. */
export const hostAlarm = workflow('host-alarm', async (ctx, alarm: Alarm) => {
  // It passes weeks of readings that wait for the link.
  await ctx.emit('host.alarm', alarm, { lane: 'urgent' });
  await ctx.setStatus(sentence(alarm));
  return alarm;
});

/**
 * Looks at the machine once. A limit that is left out raises no alarm.
 *
 * The limits are its input and not read here: the environment may be another when the run goes on
 * after a restart, and a replay must take the same branches.
 */
export const hostHealth = workflow('host-health', async (ctx, limits?: Partial<Limits>) => {
  // Steps that do not need each other run at once, and share their way to the disk.
  const [load, memory, disk, celsius] = await Promise.all([
    ctx.step('read-load', readLoad),
    ctx.step('read-memory', readMemory),
    ctx.step('read-disk', () => readDisk(diskPath)),
    ctx.step('read-temperature', readTemperature),
  ]);
  const reading: Reading = { load, memory, disk, celsius };

  const alarms = alarmsOf(reading, { ...unlimited, ...limits });
  for (const alarm of alarms) await ctx.detach(hostAlarm, alarm);
  await ctx.emit('host.health', reading, { lane: 'bulk' });

  await ctx.setStatus(alarms.length === 0 ? 'healthy' : alarms.map(sentence).join(' · '));
  return { reading, alarms };
});

function sentence({ what, value, max }: Alarm): string {
  return `${what} is ${value}, above ${max}`;
}

/** What `holdfast run --code` starts by itself. Five fields, or six with seconds in front. */
export const schedules = [
  {
    cron: process.env['HEALTH_CRON'] ?? '* * * * *',
    workflow: hostHealth,
    input: readLimits(process.env),
  },
];
