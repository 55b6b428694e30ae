import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { Agent } from '@holdfast/agent';
import { askApi } from '@holdfast/device-sim';
import { HoldfastError } from '@holdfast/protocol';
import type { Benchmark, Effort, Measured } from './benchmark.ts';
import { processFile, startChild, startGateway } from './child.ts';
import { residentMib } from './resident.ts';
import { inScratch } from './scratch.ts';

/**
 * What do commands cost that wait for devices which are away?
 *
 * 100 commands to each of 10,000 devices, issued by the HTTP API of a gateway; then one of the
 * devices comes back and obeys its own. The limit: the same gateway with none waiting.
 */
const LARGE = { devices: 10_000, commands: 100 };
const SMOKE = { devices: 20, commands: 5 };
/** To ten thousand devices at once, on a busy machine. */
const ANSWER_MS_MAX = 300_000;
const LOOK_MS = 50;
const MIB = 1_024 * 1_024;
const SETTING = 'turn';

type Gateway = Awaited<ReturnType<typeof startGateway>>;

function openAgent(dataDir: string, gateway: string): Promise<Agent> {
  return Agent.open({ dataDir, device: 'bench-1', workflows: [], gateway });
}

async function issue(gateway: Gateway, value: number): Promise<void> {
  const content = { kind: 'config.set', name: SETTING, payload: value, expiresAt: null };
  const answer = await askApi(gateway.api, '/api/commands', {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ ...content, to: { all: true } }),
    signal: AbortSignal.timeout(ANSWER_MS_MAX),
  });
  if (answer.ok) return;
  throw new HoldfastError('HF_GATEWAY_UNREACHABLE', { why: await answer.text() });
}

async function bytesIn(dir: string): Promise<number> {
  const names = await readdir(dir);
  const sizes = await Promise.all(names.map(async (name) => (await stat(join(dir, name))).size));
  return sizes.reduce((sum, size) => sum + size, 0);
}

/** Resolves once a device has obeyed its last command and the ledger knows, after so many ms. */
async function obey(dataDir: string, mqtt: string, last: number): Promise<number> {
  const startedAt = performance.now();
  const agent = await openAgent(dataDir, mqtt);
  while ((await agent.config(SETTING)) !== last) await pause(LOOK_MS);
  await agent.synced();
  const ms = performance.now() - startedAt;
  await agent.close();
  return ms;
}

function measure({ isSmoke }: Effort): Promise<Measured> {
  const { devices, commands } = isSmoke ? SMOKE : LARGE;
  return inScratch(async (dir) => {
    const [dataDir, deviceDir] = [join(dir, 'gateway'), join(dir, 'device')];
    const first = await startGateway(dataDir);
    const agent = await openAgent(deviceDir, first.mqtt);
    await agent.emit('here', 1);
    await agent.synced();
    await agent.close();
    await first.end('SIGTERM');
    const maker = startChild(processFile('known-devices'), join(dataDir, 'ledger'), `${devices}`);
    await maker.line();
    await maker.ended;

    const gateway = await startGateway(dataDir);
    const limit = residentMib(gateway.pid);
    const startedAt = performance.now();
    for (let value = 1; value <= commands; value += 1) await issue(gateway, value);
    const issuedMs = performance.now() - startedAt;
    const ours = residentMib(gateway.pid, 'VmHWM');
    const ms = await obey(deviceDir, gateway.mqtt, commands);
    await gateway.end('SIGTERM');
    const facts = {
      'commands waiting': devices * commands,
      'issued a second': (devices * commands * 1_000) / issuedMs,
      'ledger MiB': (await bytesIn(join(dataDir, 'ledger'))) / MIB,
      'one device has obeyed its own after, ms': ms,
    };
    return { ours, limit, ratio: ours / limit, facts };
  });
}

export const waitingCommands: Benchmark = {
  name: 'waiting-commands',
  about: 'largest resident size with 1,000,000 commands for 10,000 devices away; limit: with none',
  unit: 'MiB',
  run: measure,
};
