import { workflow, type Workflow } from '@holdfast/agent';
import type { MarkOptions } from '@holdfast/agent/internal';
import { lanes } from '@holdfast/protocol';
import { SimDevice } from './sim-device.ts';

type AnyWorkflow = Workflow<never, unknown>;

/** No part of it is in anything else. */
export const SECRET = '4111-1111-1111-1234';
export const card = { number: SECRET, brand: 'visa' };

/** All that the uplink could read, as text. */
export async function leaving(device: SimDevice): Promise<string> {
  const texts: string[] = [];
  for (const lane of lanes) {
    const rows = await device.journal.entries(lane, 1, 1_000);
    texts.push(...rows.map(({ bytes }) => Buffer.from(bytes).toString('latin1')));
  }
  return texts.join('\n');
}

export async function rowsOf(device: SimDevice, table: string): Promise<number> {
  const from = Uint8Array.of(table.charCodeAt(0));
  const to = Uint8Array.of(table.charCodeAt(0) + 1);
  return (await device.store.scan({ from, to, limit: 1_000 })).length;
}

export async function begun(code: AnyWorkflow, input: unknown = null): Promise<SimDevice> {
  const device = new SimDevice();
  await device.start(code);
  await device.begin(code, input);
  return device;
}

/** Reads a card in a marked step, and waits: what the code has of it is what it returns. */
export function reader(options: MarkOptions, output: MarkOptions = { local: true }) {
  return workflow(
    'reader',
    async (ctx) => {
      const read = await ctx.step('read', () => card, options as object);
      await ctx.waitFor('go');
      return read;
    },
    { marks: { output } },
  );
}
