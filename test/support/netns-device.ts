import { argv } from 'node:process';
import { Agent } from '@holdfast/agent';
import { SimChance } from './sim-chance.ts';

/** What it says of itself, a line of JSON, several times a second. */
export interface DeviceLine {
  readonly acked: number;
  readonly head: number;
  readonly state: string;
  readonly code: string | null;
  readonly resends: number;
}

/** A device that journals facts for as long as it runs. */
const [, , dataDir = '', gateway = ''] = argv;
const uplink = { retryMsMin: 50, retryMsMax: 300, resendMs: 700, ackDeadlineMs: 2_000 };
const agent = await Agent.open({
  ...{ dataDir, gateway, device: 'till-1', workflows: [] },
  uplink: { ...uplink, connectMs: 1_000, welcomeMs: 1_000 },
});
const chance = new SimChance(1);

async function look(): Promise<void> {
  const facts = Array.from({ length: 20 }, () => chance.bytes(300));
  await Promise.all(facts.map((each) => agent.emit('fact', each, { lane: 'bulk' })));
  const { link, backlog } = await agent.status();
  const { acked = 0, head = 0 } = backlog.lanes[2] ?? {};
  const code = link.problem?.code ?? null;
  const line: DeviceLine = { acked, head, state: link.state, code, resends: link.resends };
  process.stdout.write(`${JSON.stringify(line)}\n`);
}

setInterval(() => void look(), 100);
