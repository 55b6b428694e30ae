import fs from 'node:fs/promises';
import { syncBuiltinESMExports } from 'node:module';

/** What the process of an interactive device is given, as JSON, in its first argument. */
export interface DeviceHostOptions {
  readonly device: string;
  readonly dataDir: string;
  readonly gateway: string;
  /** File with workflows. */
  readonly code: string;
}

/** What it is told while it runs. */
export interface DeviceHostMessage {
  /** Nothing is free on the disk any more, as far as the agent can see. */
  readonly isDiskFull?: boolean;
  /** How far its wall clock is set ahead; less than 0: back. */
  readonly clockMs?: number;
}

let isDiskFull = false;
let clockMs = 0;
// The agent is as it ships: what it asks the machine is answered differently.
const trueNow = Date.now.bind(Date);
Date.now = () => trueNow() + clockMs;
const trueStatfs = fs.statfs.bind(fs);
const statfs = async (path: string): Promise<object> => {
  const found = await trueStatfs(path);
  return isDiskFull ? Object.assign(found, { bavail: 0, bfree: 0 }) : found;
};
Object.assign(fs, { statfs });
syncBuiltinESMExports();

const { Agent } = await import('@holdfast/agent');
const { loadCode } = await import('@holdfast/agent/internal');
const { code, ...options } = JSON.parse(process.argv[2] ?? '{}') as DeviceHostOptions;
const { workflows } = await loadCode(code);
process.on('message', (message: DeviceHostMessage) => {
  isDiskFull = message.isDiskFull ?? isDiskFull;
  clockMs = message.clockMs ?? clockMs;
});
const agent = await Agent.open({ ...options, workflows, socket: true });
process.on('SIGTERM', () => void agent.close().then(() => process.exit(0)));
// Nobody is there any more who could press a key.
process.on('disconnect', () => void agent.close().then(() => process.exit(0)));
const names = workflows.map(({ name }) => name);
process.stdout.write(`${JSON.stringify({ workflows: names })}\n`);
