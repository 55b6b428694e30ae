import { readFile, writeFile } from 'node:fs/promises';
import ava from 'ava';
import {
  findScenario,
  plantedBugs,
  plantedInBitRot,
  plantedInOldBackup,
  plantedInRewind,
  simulate,
  type SimulateOptions,
} from '@holdfast/device-sim/internal';

// A virtual world takes the clock and chance of its whole process away: one at a time.
const test = ava.serial;
const SEEDS_MAX = 200;
/** `PLANTED=write` writes the table of docs/SIMULATION.md anew, `PLANTED=check` compares it. */
const { PLANTED = '' } = process.env;
const page = new URL('../../../docs/SIMULATION.md', import.meta.url);
/** As short as those that each promise is tried in (`sim/storms`). */
const storm = { ...findScenario('storm'), durationMs: 180_000 };
const half = { devices: 1, durationMs: 1_800_000 };

const sets = [
  { of: plantedBugs, scenario: storm },
  { of: plantedInRewind, scenario: { ...findScenario('rewind'), ...half } },
  { of: plantedInBitRot, scenario: { ...findScenario('bit-rot'), ...half } },
  { of: plantedInOldBackup, scenario: { ...findScenario('old-backup'), ...half } },
] as const;
const planted = sets.flatMap(({ of, scenario }) =>
  Object.entries(of).map(([name, bug]) => ({ name, bug, scenario })),
);
const rows: string[] = [];

/** The first seed that finds a bug, and the promise it breaks. Then it is not gone on with. */
async function find({
  bug,
  scenario,
}: (typeof planted)[number]): Promise<{ seed: number; promise: string } | undefined> {
  for (let seed = 1; seed <= SEEDS_MAX; seed += 1) {
    const found = new AbortController();
    const onLook: SimulateOptions['onLook'] = ({ witness }) => {
      if (witness.violations.length > 0) found.abort();
    };
    const world = { scenario, seed, bug, onLook, signal: found.signal };
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
    const { seed = 0, promise = '' } = found ?? {};
    t.log(`seed ${seed}, ${promise}`);
    rows.push(`| ${name} | ${promise} | ${each.scenario.name} ${seed} |`);
  });
}

test('docs/SIMULATION.md lists every planted bug, and the seed that finds it', async (t) => {
  const text = await readFile(page, 'utf8');
  const before = text.match(/^\| [^|]+ \| P\d+ \| [a-z-]+ \d+ \|$/gm) ?? [];
  const names = (of: readonly string[]): string[] => of.map((row) => row.split(' | ')[0] ?? '');
  if (PLANTED === 'write') {
    await writeFile(page, text.replace(before.join('\n'), rows.join('\n')));
    t.pass();
    return;
  }
  t.deepEqual(names(before), names(rows), 'PLANTED=write npx ava test/dist/sim/planted-bugs');
  // What is changed in the agent or the gateway gives a seed another history.
  if (PLANTED === 'check') t.deepEqual(before, rows);
});
