import { copyFile, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ExecutionContext } from 'ava';
import { createSocketServer } from '@holdfast/agent/internal';
import { Gateway } from '@holdfast/gateway';
import { checkoutEntries, ingestAll } from '../journaled.ts';
import { recordedStores } from '../recorded-store.ts';
import { ScriptedSurface } from '../scripted-surface.ts';

const log = { error: () => undefined, info: () => undefined, debug: () => undefined };

/** What an agent tells of its link, by the directory where it listens. */
const links: Readonly<Record<string, (surface: ScriptedSurface) => object>> = {
  device: ({ link }) => ({ link: { ...link, nextTryAt: '2026-12-01T06:00:41.000Z' } }),
  synced: ({ link }) => ({ pending: 0, link: { ...link, state: 'synced' } }),
  stuck: ({ link }) => ({ pending: 0, link: { ...link, state: 'stuck' } }),
  idle: ({ link }) => ({ pending: 0, head: 0, link: { ...link, state: 'none', gateway: null } }),
};

const code = `
const body = async (ctx) => ctx.step('take-order', () => 1);
export const checkout = { kind: 'workflow', name: 'checkout', version: 1, body };
`;

/** A directory whose name is always as long: lines break by what is in them. */
export async function emptyStage(t: ExecutionContext): Promise<string> {
  const dir = await mkdtemp(join(tmpdir(), 'holdfast-stage-'));
  t.teardown(() => rm(dir, { recursive: true, force: true }));
  return dir;
}

/** A directory in which the scenes of `holdfast` are played. */
export async function deviceStage(t: ExecutionContext): Promise<string> {
  const dir = await emptyStage(t);
  for (const [name, told] of Object.entries(links)) {
    await mkdir(join(dir, name));
    const surface = new ScriptedSurface();
    Object.assign(surface, told(surface));
    const server = await createSocketServer({ path: join(dir, name, 'agent.sock'), surface, log });
    t.teardown(() => server.close());
  }
  await copyFile(recordedStores[0].path, join(dir, 'plain.snapshot'));
  for (const name of ['old', 'new']) {
    await writeFile(join(dir, `${name}.key`), name.padEnd(32, '-'), { mode: 0o600 });
  }
  await writeFile(join(dir, 'flows.mjs'), code);
  const settings = ['device = "pump-017"', 'data-dir = "device"', 'code = "flows.mjs"'];
  await writeFile(join(dir, 'agent.toml'), [...settings, 'retention = "7d"', ''].join('\n'));
  return dir;
}

/** A directory in which the scenes of `holdfast-sim` are played. */
export async function simStage(t: ExecutionContext): Promise<string> {
  const dir = await emptyStage(t);
  const lines = ['about = "nothing"', 'devices = 1', 'duration = "10s"', ''];
  lines.push('[work]', 'run-every = "2s"', '');
  await writeFile(join(dir, 'small.toml'), lines.join('\n'));
  return dir;
}

const AT_MS = Date.parse('2026-12-01T05:00:00Z');

/** A directory in which a gateway can be served from `gateway`, for the scenes of its program. */
export async function gatewayStage(t: ExecutionContext): Promise<string> {
  const dir = await emptyStage(t);
  const gateway = await Gateway.open({ dataDir: join(dir, 'gateway'), mqttPort: 0 });
  try {
    const { urgent, normal, bulk } = checkoutEntries('order-1');
    const second = urgent.map((entry) => ({ ...entry, n: 3, op: 2, key: 'pump-1/order-1/2' }));
    const entries = { urgent: [...urgent, ...second], normal, bulk };
    await ingestAll(gateway.ledger, 'pump-1', entries);
    const [call] = await gateway.ledger.pendingCalls(1, 'inventory.update');
    const parking = { atMs: AT_MS, attempts: 10, code: 'HF_HANDLER_TIMEOUT', why: 'no result' };
    if (call !== undefined) await gateway.ledger.parkCall(call, parking);
  } finally {
    await gateway.close();
  }
  return dir;
}
