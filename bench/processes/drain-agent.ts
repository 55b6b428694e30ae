// drain-agent DATA_DIR GATEWAY_URL [half]: says when the session has begun, when half of the
// backlog is acknowledged if that is asked for, and when the ledger has all of it; then closes.
import { Agent } from '@holdfast/agent';
import { setTimeout as pause } from 'node:timers/promises';
import { argument, say } from './say.ts';

const agent = await Agent.open({
  dataDir: argument(0),
  workflows: [],
  gateway: argument(1),
});
const known = await agent.status();
const { pending } = known.backlog;
let beganAtMs = 0;
let isHalf = argument(2) !== 'half';
while (!agent.isSynced) {
  // A status looks at the files of the store too, which takes from what is measured.
  const { link, backlog } = isHalf && beganAtMs > 0 ? known : await agent.status();
  const isStreaming = link.state === 'syncing' || link.state === 'synced';
  if (beganAtMs === 0 && isStreaming) {
    beganAtMs = performance.now();
    say({ began: true });
  }
  if (!isHalf && backlog.pending <= pending / 2) {
    isHalf = true;
    say({ half: true });
  }
  // Often enough for the times to be right to a percent.
  await pause(beganAtMs === 0 ? 1 : isHalf ? 2 : 20);
}
if (!isHalf) say({ half: true });
say({ pending, ms: performance.now() - beganAtMs });
// Until it is killed or told: what it has used can be read meanwhile.
await new Promise((done) => process.once('SIGTERM', done));
await agent.close();
