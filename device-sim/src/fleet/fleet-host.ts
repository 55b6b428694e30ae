import { Agent } from '@holdfast/agent';
import { checkout, nap, secret } from './fleet-flows.ts';

/** What a process of many agents is given, as JSON, in its first argument. */
export interface HostedDevice {
  readonly device: string;
  readonly dataDir: string;
  readonly gateway: string;
  /** How long it keeps what has ended. */
  readonly retention: string;
}

// Many agents in one process: each is an agent as it ships, with a store and a socket of its own.
const hosted = JSON.parse(process.argv[2] ?? '[]') as readonly HostedDevice[];
const agents: Agent[] = [];
// One after another: a start reads and syncs.
for (const each of hosted) {
  agents.push(await Agent.open({ ...each, workflows: [checkout, nap, secret], socket: true }));
}
process.on('SIGTERM', () => {
  void Promise.all(agents.map((agent) => agent.close())).then(() => process.exit(0));
});
process.stdout.write(`${JSON.stringify({ devices: agents.length })}\n`);
