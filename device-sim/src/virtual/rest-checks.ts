import { tableOfKey } from '@holdfast/agent/internal';
import { lanes } from '@holdfast/protocol';
import type { Machine, World } from './world.ts';

/** Beyond the retention: passes of it are up to ten minutes apart while a clock is in dispute. */
const REST_MS = 30 * 60_000;

/**
 * P11: once nothing happens any more, nothing of what has happened costs anything: no run is in
 * memory, no timer waits, the disk has let go of what the ledger has, and the wire is silent but
 * for reports.
 */
export async function checkRest(world: World): Promise<void> {
  const { time, network, machines, reportEveryMs, keepMs, witness } = world;
  const before = network.messages;
  const restMs = keepMs + REST_MS;
  await world.runUntil(time.monoMs() + restMs);
  if (world.isStopped) return;
  const most = machines.length * (MESSAGES_AT_REST + (2 * restMs) / reportEveryMs);
  const messages = network.messages - before;
  if (messages > most) witness.blame('P11', '', `${messages} messages in ${restMs} ms of rest`);
  for (const machine of machines) checkMachine(world, machine);
}

/** Of one device, besides reports: what retention has deleted is told. */
const MESSAGES_AT_REST = 200;
/** As keys have the number of a run. */
const RUN_BYTES = 6;
/** Entries of a run, at most. */
const HISTORY_MAX = 100;

/** The run of a key that begins with its table and its number. */
function runOf(key: Uint8Array): string {
  return Buffer.from(key.subarray(1, 1 + RUN_BYTES)).toString('hex');
}

function checkMachine({ witness }: World, { name, agent, disk }: Machine): void {
  // What waits for a person, since something of it is damaged, stays.
  const stuck = agent.life?.parts.runtime.counts().stuck ?? 0;

  const held = agent.life?.parts.runtime.residentCount ?? 0;
  if (held > 0) witness.blame('P11', name, `${held} runs are in memory, and none is open`);
  const counts = new Map<string, number>();
  const keys = Array.from(disk.rows(), ({ key }) => key);
  const open = new Set(keys.filter((key) => tableOfKey(key) === 'o').map(runOf));
  for (const key of keys) {
    const table = tableOfKey(key) ?? '';
    // A run that is stuck keeps the timers that it will wait for once it goes on.
    if (table === 't' && open.has(runOf(key))) continue;
    counts.set(table, (counts.get(table) ?? 0) + 1);
  }
  // The last entry of each lane stays, and with it the run that it is of.
  const runs = lanes.length;
  const most = {
    ...{ o: stuck, t: 0, f: runs + stuck },
    e: lanes.length + ((counts.get('f') ?? 0) + stuck) * HISTORY_MAX,
  };
  for (const [table, count] of Object.entries(most)) {
    const found = counts.get(table) ?? 0;
    if (found > count) witness.blame('P11', name, `${table} has ${found} rows, not ${count}`);
  }
}
