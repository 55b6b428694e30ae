import { workflow } from '@holdfast/agent';
import { readRegisters } from './registers.ts';

const host = process.env['METER_HOST'] ?? '127.0.0.1';
const port = Number(process.env['METER_PORT'] ?? 502);

/** Reads a meter whose two registers are tenths of a volt and hundredths of an ampere. */
export const readMeter = workflow('read-meter', async (ctx) => {
  const [tenths = 0, hundredths = 0] = await ctx.step(
    'read',
    ({ signal }) => readRegisters({ host, port, unit: 1, first: 0, count: 2 }, signal),
    { timeout: '5s', retry: { attempts: 3, minDelay: '1s' } },
  );
  const reading = { volts: tenths / 10, amperes: hundredths / 100 };
  await ctx.emit('meter.read', reading, { lane: 'bulk' });
  return reading;
});

/** What `holdfast run --code` starts by itself. */
export const schedules = [{ workflow: readMeter, cron: '* * * * *' }];
