import { readFile } from 'node:fs/promises';
import ava from 'ava';
import {
  findScenario,
  plantedBugs,
  plantedInRewind,
  simulate,
  type SimulateOptions,
} from '@holdfast/device-sim/internal';

// A virtual world takes the clock and chance of its whole process away: one at a time.
const test = ava.serial;
const SEEDS_MAX = 200;
/** As short as those that each promise is tried in (`sim/storms`). */
const scenario = { ...findScenario('storm'), durationMs: 180_000 };

const rewind = { ...findScenario('rewind'), devices: 1, durationMs: 1_800_000 };
const planted = [
  ...Object.entries(plantedBugs).map(([name, bug]) => ({ name, bug, scenario })),
  ...Object.entries(plantedInRewind).map(([name, bug]) => ({ name, bug, scenario: rewind })),
];

/** The first seed that finds a bug, and the promise it breaks. Then it is not gone on with. */
async function find({
  bug,
  scenario: of,
}: (typeof planted)[number]): Promise<{ seed: number; promise: string } | undefined> {
  for (let seed = 1; seed <= SEEDS_MAX; seed += 1) {
    const found = new AbortController();
    const onLook: SimulateOptions['onLook'] = ({ witness }) => {
      if (witness.violations.length > 0) found.abort();
    };
    const world = { scenario: of, seed, bug, onLook, signal: found.signal };
    const { violations } = await simulate(world);
    if (violations[0] !== undefined) return { seed, promise: violations[0].promise };
  }
  return undefined;
}

for (const each of planted) {
  const { name } = each;
  test(`the checks find that ${name}`, async (t) => {
    t.timeout(120_000);
    const found = await find(each);
    t.truthy(found, `not in ${SEEDS_MAX} seeds`);
    t.log(`seed ${found?.seed}, ${found?.promise}`);
  });
}

test('docs/SIMULATION.md lists every planted bug', async (t) => {
  const text = await readFile(new URL('../../../docs/SIMULATION.md', import.meta.url), 'utf8');
  for (const { name } of planted) t.true(text.includes(`| ${name} |`), name);
});
