import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { pageBlocks } from '../page-blocks.ts';
import { listFiles } from '../tidy/files.ts';
import { elsewhere, notBegun, refused, substituted } from './expected.ts';
import { layOut, Place, root, type Outcome } from './fixture.ts';

/**
 * `npm run test:documents [page…]`: types every command of the pages, page by page, into a shell in
 * which what they speak of is there, and tells which did not end as they should. In a network of
 * its own where the machine allows, since pages name ports.
 */
async function main(pages: readonly string[]): Promise<number> {
  const all = listFiles().filter((path) => path.endsWith('.md'));
  const chosen = all.filter((path) => pages.length === 0 || pages.includes(path));
  let [ran, wrong] = [0, 0];
  for (const path of chosen) {
    const commands = commandsOf(path);
    if (commands.length === 0 || elsewhere.has(path)) continue;
    const dir = mkdtempSync(join(tmpdir(), 'holdfast-pages-'));
    try {
      for await (const [command, { code, said }] of typed(path, commands, dir)) {
        ran += 1;
        const isExpected =
          code === 0 || refused.some(([words, why]) => words.test(command) && said.includes(why));
        if (isExpected) continue;
        wrong += 1;
        process.stdout.write(`${path}: ${command}\n  exit ${code}: ${said.trim().slice(-600)}\n`);
      }
    } finally {
      rmSync(dir, { recursive: true, force: true });
    }
  }
  process.stdout.write(`${ran} commands, ${wrong} of them not as they should be\n`);
  return wrong === 0 ? 0 : 1;
}

/** The commands of a page, each in one line. */
function commandsOf(path: string): readonly string[] {
  const blocks = pageBlocks(path, readFileSync(join(root, path), 'utf8'));
  return blocks
    .filter(({ language }) => language === 'sh')
    .flatMap(({ text }) =>
      text
        .replace(/\\\n\s*/g, ' ')
        .replace(/\|\n/g, '| ')
        .split('\n'),
    )
    .map((line) => line.replace(/\s+#.*$/, '').trim())
    .filter((line) => line !== '' && !line.startsWith('#'));
}

/** Does not end by itself. */
const goesOn =
  /\s(?:holdfast (?:run|enroll .*--gateway)|holdfast-gateway serve|node examples\/\S+)\s/;

const GATEWAY = 'holdfast-gateway serve --data-dir ./gateway --mqtt-port 1883 --http-port 8080';
const DEVICE = 'holdfast run --device pump-017 --code ./flows.js --gateway mqtt://127.0.0.1:1883';

/** What each command of a page came to, typed one after the other. */
async function* typed(
  path: string,
  commands: readonly string[],
  dir: string,
): AsyncGenerator<readonly [string, Outcome]> {
  layOut(dir);
  const isExample = path.startsWith('examples/');
  const [gateway, device, desk] = [new Place(dir), new Place(dir), new Place(dir, isExample)];
  try {
    if (!commands.some((line) => line.includes('holdfast-gateway serve')))
      await gateway.begin(GATEWAY);
    if (!isExample) await fill({ gateway, device, desk });
    for (const line of commands) {
      const command = substituted(line, dir, isExample);
      const outcome = await typeOne(command, { gateway, device, desk }, isExample);
      if (outcome !== undefined) yield [line, outcome];
    }
  } finally {
    for (const place of [desk, device, gateway]) await place.close();
  }
}

interface Places {
  readonly gateway: Place;
  readonly device: Place;
  /** Where the reader is. */
  readonly desk: Place;
}

/** Gives nothing for what is not begun here. */
async function typeOne(
  command: string,
  { gateway, device, desk }: Places,
  isExample: boolean,
): Promise<Outcome | undefined> {
  const [, service] = /^systemctl (stop|start|restart) holdfast$/.exec(command) ?? [];
  if (service !== undefined) {
    await device.close();
    return service === 'stop' ? undefined : device.begin(DEVICE);
  }
  if (notBegun.test(` ${command}`)) return undefined;
  const [, name, value = ''] = /^export (\w+)=(.*)$/.exec(command) ?? [];
  if (name !== undefined) {
    desk.set(name, value);
    return undefined;
  }
  if (!goesOn.test(` ${command} `)) return desk.run(command, COMMAND_MS);
  if (isExample) return desk.begin(command);
  // It takes the place of what would be in its way.
  const [other, again] = / serve /.test(command) ? [gateway, GATEWAY] : [device, DEVICE];
  await other.close();
  const outcome = await desk.begin(command);
  await desk.close();
  await other.begin(again);
  return outcome;
}

const COMMAND_MS = 60_000;

/** Runs, values and devices that the guides speak of. */
async function fill({ gateway, device, desk }: Places): Promise<void> {
  for (const place of [device, desk]) place.set('HOLDFAST_DATA_DIR', './data');
  await gateway.begin(GATEWAY);
  await device.begin(DEVICE);
  const orders = ['order-17', 'order-18', 'order-1009', 'order-A-1'];
  for (const command of [
    ...orders.map((id) => `holdfast start order --id ${id} --subject customer-42`),
    'holdfast wait --synced --timeout 30s',
    'holdfast-gateway tag pump-017 site=oslo --data-dir ./gateway',
    'holdfast-gateway token create ci --role admin --data-dir ./gateway > ci.token',
    'holdfast-gateway user add olga --role admin --data-dir ./gateway',
  ]) {
    const { code, said } = await desk.run(command, COMMAND_MS);
    if (code !== 0) throw new Error(`${command}: ${said}`);
  }
}

const ownNetwork = 'HOLDFAST_PAGES_NETWORK';
if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const args = process.argv.slice(2);
  const inside = `ip link set lo up && exec "$0" "$@"`;
  const self = [process.execPath, fileURLToPath(import.meta.url), ...args];
  const can = spawnSync('unshare', ['-n', 'ip', 'link', 'set', 'lo', 'up']).status === 0;
  if (process.env[ownNetwork] === undefined && can) {
    const { status } = spawnSync('unshare', ['-n', 'sh', '-c', inside, ...self], {
      stdio: 'inherit',
      env: { ...process.env, [ownNetwork]: '1' },
    });
    process.exitCode = status ?? 1;
  } else process.exitCode = await main(args);
}
