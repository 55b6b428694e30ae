import { readFile, writeFile } from 'node:fs/promises';
import ava from 'ava';
import {
  faultBugs,
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
/** Those that one fault shows alone are not looked for again in storms. */
const shownAlone = new Set(faultBugs.map(({ name }) => name));
const planted = sets.flatMap(({ of, scenario }) =>
  Object.entries(of)
    .filter(([name]) => !shownAlone.has(name))
    .map(([name, bug]) => ({ name, bug, scenario })),
);
const rows: string[] = [];

/** The first seed that finds a bug, and the promise it breaks. Then it is not gone on with. */
async function find({
  bug,
  scenario,
}: Pick<(typeof planted)[number], 'bug' | 'scenario'>): Promise<
  { seed: number; promise: string } | undefined
> {
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

/** Seeds that show nothing where the fault is not: with `PLANTED` only, each costs its time. */
const SEEDS_WITHOUT = PLANTED === '' ? 0 : 2;
const faultRows: string[] = [];

for (const each of faultBugs) {
  const { fault, name, bug, without } = each;
  test(`${fault} alone shows that ${name}`, async (t) => {
    t.timeout(120_000);
    const found = await find(each);
    t.truthy(found, `not in ${SEEDS_MAX} seeds`);
    const { seed = 0, promise = '' } = found ?? {};
    for (let other = 1; other <= SEEDS_WITHOUT; other += 1) {
      const { violations } = await simulate({ scenario: without, seed: other, bug });
      t.deepEqual(violations, [], `without it, seed ${other}`);
    }
    t.log(`seed ${seed}, ${promise}`);
    faultRows.push(`| \`${fault}\` | ${name} | ${promise} | ${seed} |`);
  });
}

test('docs/SIMULATION.md lists every planted bug, and the seed that finds it', async (t) => {
  const text = await readFile(page, 'utf8');
  const told = [...rows, ...faultRows];
  const first = text.match(/^\| [^|]+ \| P\d+ \| [a-z-]+ \d+ \|$/gm) ?? [];
  const second = text.match(/^\| `[^|]+ \| [^|]+ \| P\d+ \| \d+ \|$/gm) ?? [];
  const before = [...first, ...second];
  // Without what a change of the agent or the gateway changes: the promise, and the seed.
  const names = (of: readonly string[]): string[] =>
    of.map((row) => row.replace(/ \| P\d+ \| [^|]+ \|$/, ''));
  if (PLANTED === 'write') {
    const changed = text.replace(first.join('\n'), rows.join('\n'));
    await writeFile(page, changed.replace(second.join('\n'), faultRows.join('\n')));
    t.pass();
    return;
  }
  t.deepEqual(names(before), names(told), 'PLANTED=write npx ava test/dist/sim/planted-bugs');
  if (PLANTED === 'check') t.deepEqual(before, told);
});
