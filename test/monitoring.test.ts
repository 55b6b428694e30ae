import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { join } from 'node:path';
import test from 'ava';
import { parse } from 'yaml';

const root = fileURLToPath(new URL('../..', import.meta.url));
const folder = join(root, 'packaging/monitoring');
const read = (path: string): string => readFileSync(join(root, path), 'utf8');

/** Names of metrics that agents and gateways have, with what histograms add to them. */
function known(): ReadonlySet<string> {
  const pages = [read('docs/reference/metrics.md'), read('docs/reference/gateway-metrics.md')];
  const rows = pages.flatMap((page) => [...page.matchAll(/^\| `([a-z_]+)` \| (\w+) \|/gm)]);
  return new Set(
    rows.flatMap(([, name, type]) => {
      const full = `holdfast_${name}`;
      return type === 'histogram' ? [`${full}_bucket`, `${full}_sum`, `${full}_count`] : [full];
    }),
  );
}

for (const file of readdirSync(folder)) {
  test(`${file} names metrics that there are`, (t) => {
    const text = readFileSync(join(folder, file), 'utf8');
    const used = new Set(text.match(/\bholdfast_[a-z_]+/g));
    const metrics = known();

    t.true(used.size > 8);
    t.deepEqual(
      [...used].filter((name) => !metrics.has(name)),
      [],
    );
  });
}

test('the runbook says what to do for each alert, by its name', (t) => {
  const { groups } = parse(read('packaging/monitoring/alerts.yml')) as {
    groups: readonly { readonly rules: readonly { readonly alert: string }[] }[];
  };
  const alerts = groups.flatMap(({ rules }) => rules.map(({ alert }) => alert));
  const headings = Array.from(
    read('docs/operations/runbook.md').matchAll(/^### (.*)$/gm),
    ([, name]) => name,
  );

  t.deepEqual(headings, alerts);
});
