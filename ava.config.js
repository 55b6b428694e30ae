import { readdirSync } from 'node:fs';

/** Roughly how long a file takes, in seconds, where that is more than most of its kind. */
const secondsOf = {
  'sim/storms': 95,
  'system/bench-smoke': 60,
  'system/kill-storm': 55,
  'sim/planted-bugs': 25,
  'system/epochs': 45,
  'system/gateway-cli': 40,
  'system/tutorial': 40,
  'model/session': 35,
  'system/brokers': 30,
  'system/tamper': 30,
  'fault/disk': 60,
  'system/dashboard': 50,
  'fault/link': 25,
  'system/store-tools': 25,
  'system/store-snapshot': 25,
  'system/many-gateways': 25,
  'system/tls': 25,
  'system/ends': 25,
  'system/clock': 25,
  'system/fleet': 20,
  'system/patterns-effects': 20,
  'system/agent-cli': 20,
  'system/agent-verbs': 20,
  'system/readme': 18,
  'sim/scenarios': 18,
  'system/patterns': 16,
};
const usualSeconds = { system: 8, fault: 15, model: 8, sim: 5, contract: 4 };
const SECONDS_LEAST = 2;

function secondsFor(file) {
  const name = file.slice('test/dist/'.length, -'.test.js'.length);
  return secondsOf[name] ?? usualSeconds[name.split('/')[0]] ?? SECONDS_LEAST;
}

const isWaiting = (file) => /^test\/dist\/(?:system|fault)\//.test(file);

/**
 * The longest first; of those that wait for processes, disks and timers two beside one that
 * computes: so three keep two processors at work.
 */
function inOrder(files) {
  const sorted = files.toSorted((a, b) => secondsFor(b) - secondsFor(a) || (a < b ? -1 : 1));
  const waiting = sorted.filter(isWaiting);
  const computing = sorted.filter((file) => !isWaiting(file));
  const order = [];
  let [waitingS, computingS] = [0, 0];
  while (order.length < files.length) {
    const isTurn = waiting.length === 0 || (computing.length > 0 && 2 * computingS <= waitingS);
    const file = (isTurn ? computing : waiting).shift();
    if (isTurn) computingS += secondsFor(file);
    else waitingS += secondsFor(file);
    order.push(file);
  }
  return order;
}

// By source, not by output: what a deleted test was compiled to is no test any more.
const sources = readdirSync(new URL('test/', import.meta.url), { recursive: true })
  .map((path) => path.replaceAll('\\', '/'))
  .filter((path) => path.endsWith('.test.ts') && !path.startsWith('dist/'));
const files = inOrder(sources.map((path) => `test/dist/${path.replace(/\.ts$/, '.js')}`));
/** AVA names files by their absolute paths. */
const placeOf = (path) => files.indexOf(path.slice(path.lastIndexOf('test/dist/')));

export default {
  files,
  sortTestFiles: (one, other) => placeOf(one) - placeOf(other),
  // Child processes: tests need their own signals, exit codes and LevelDB locks.
  workerThreads: false,
  // For two processors, in the order above.
  concurrency: 3,
  require: ['./test/dist/support/source-stacks.js'],
  // Without any test ending. The longest test kills and restarts processes for about two minutes.
  timeout: '4m',
};
