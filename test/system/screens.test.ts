import { join } from 'node:path';
import { Gateway } from '@holdfast/gateway';
import test, { type ExecutionContext } from 'ava';
import { gatewayBinary, runGatewayWith } from '../support/gateway-process.ts';
import { holdfastBinary } from '../support/holdfast-cli.ts';
import { hasProgram } from '../support/program.ts';
import { inTerminal, type InTerminal } from '../support/in-terminal.ts';
import { checkOutput, nameOf, objectsIn, programs } from '../support/output-schemas.ts';
import { allPrograms, leavesOf } from '../support/programs.ts';
import { deviceScenes, storeScenes } from '../support/screens/device-scenes.ts';
import { gatewayScenes, ownScenes, pairingScenes } from '../support/screens/gateway-scenes.ts';
import {
  onTerminal,
  playIntoPipe,
  playOnTerminal,
  type Played,
  type ProgramName,
  type Scene,
  type Shown,
} from '../support/screens/scene.ts';
import { simScenes } from '../support/screens/sim-scenes.ts';
import { sameScreens } from '../support/screens/snapshot.ts';
import { deviceStage, emptyStage, gatewayStage, simStage } from '../support/screens/stages.ts';
import { serve, type Served } from '../support/scripted-agent.ts';
import { normalised, sameScreen } from '../support/snapshots.ts';

// eslint-disable-next-line no-control-regex -- Colours begin with a control character.
const colors = /\u001b\[[0-9;]*m/;

/** An agent that says the same whenever it is asked; programs in a terminal have a fixed time. */
async function serveFixed(t: ExecutionContext): Promise<Served> {
  const served = await serve(t);
  const { surface } = served;
  surface.link = { ...surface.link, nextTryAt: '2026-12-01T06:00:41.000Z' };
  return served;
}

const withPython = hasProgram('python3') ? test : test.skip;

/** Commands whose screens another test looks at, since they go on until a person ends them. */
const elsewhere: Readonly<Record<string, string>> = {
  'holdfast run': 'below: what goes on',
  'holdfast top': 'below: top',
  'holdfast enroll': 'below: each screen of a gateway',
  'holdfast-gateway serve': 'below: each screen of a gateway',
  'holdfast-gateway user add': 'below: each screen of a gateway',
  'holdfast-gateway keys export': 'below: each screen of a gateway',
  'holdfast-gateway keys import': 'below: each screen of a gateway',
  'holdfast-sim device': 'below: what goes on',
  'holdfast-sim demo': 'system/demo',
};

const all: Readonly<Record<ProgramName, readonly Scene[]>> = {
  holdfast: [...deviceScenes, ...storeScenes],
  'holdfast-gateway': [...pairingScenes, ...gatewayScenes, ...ownScenes],
  'holdfast-sim': simScenes,
};

test('every command has a screen that is reviewed', async (t) => {
  const without: string[] = [];
  for (const [program, command] of await allPrograms()) {
    const scenes = all[program as ProgramName];
    for (const { name } of leavesOf(command)) {
      const isShown = scenes.some(({ line }) => `${line} `.startsWith(`${name} `));
      const isElsewhere = `${program} ${name}` in elsewhere;
      if (isShown === isElsewhere) without.push(`${program} ${name}`);
    }
  }

  t.deepEqual(without, [], 'each has a line in test/support/screens, or is told of above');
});

withPython('needs python3: each screen of holdfast is as reviewed, in 80 columns', async (t) => {
  const [cwd, other, own] = [await deviceStage(t), await deviceStage(t), await deviceStage(t)];
  const program = 'holdfast';
  const env = { HOLDFAST_DATA_DIR: 'device' };
  const asked = { program, cwd, env, scenes: deviceScenes } as const;

  const [shown, plain, alone] = await Promise.all([
    playOnTerminal(t, asked),
    playOnTerminal(t, { ...asked, cwd: other, env: { ...env, NO_COLOR: '1' } }),
    playOnTerminal(t, { program, cwd: own, scenes: storeScenes }),
  ]);

  sameScreens(t, { file: 'holdfast', program }, shown);
  sameScreens(t, { file: 'holdfast-store', program }, alone);
  t.regex(shown.map(({ text }) => text).join(''), colors);
  sameWithoutColors(t, plain, shown);
});

withPython('needs python3: where a terminal has ASCII only, so have the screens', async (t) => {
  const cwd = await deviceStage(t);
  const play = { program: 'holdfast', cwd, scenes: deviceScenes.slice(0, 9) } as const;
  const env = { HOLDFAST_DATA_DIR: 'device', NO_COLOR: '1', LANG: 'C' };

  for (const { scene, text } of await playOnTerminal(t, { ...play, env })) {
    // eslint-disable-next-line no-control-regex -- ASCII begins with control characters.
    t.regex(text, /^[\u0000-\u007f]+$/, scene.line);
  }
});

/** Without colours a screen has the same text. */
function sameWithoutColors(
  t: ExecutionContext,
  plain: readonly Shown[],
  colored: readonly Shown[],
): void {
  for (const [at, { scene, text }] of plain.entries()) {
    t.notRegex(text, colors, scene.line);
    const [own = '', other = ''] = [text, colored[at]?.text ?? ''].map(
      (each) => onTerminal(each).text,
    );
    t.is(normalised(own), normalised(other), scene.line);
  }
}

withPython('needs python3: the help of every command fits into 80 columns', async (t) => {
  const cwd = await emptyStage(t);
  const odd: string[] = [];
  for (const [program, command] of await allPrograms()) {
    const names = ['', ...leavesOf(command).map(({ name }) => name)];
    const scenes = names.map((name): Scene => ({ line: `${name} --help`.trimStart() }));
    const shown = await playOnTerminal(t, { program: program as ProgramName, cwd, scenes });
    for (const { scene, code, text } of shown) {
      const screen = onTerminal(text);
      const isWhole = /^Usage: holdfast[^]*\n\n[A-Z][^]*--help/.test(screen.text);
      const hasExample = /^(?:Examples?:|\s+source <)/m.test(screen.text);
      const isGood = code === 0 && screen.columns <= 80 && isWhole;
      if (isGood && (hasExample || program !== 'holdfast')) continue;
      odd.push(`${program} ${scene.line}\n${screen.text}`);
    }
    const own = shown.filter(({ scene }) => scene.line === '--help');
    sameScreens(t, { file: `${program}-help`, program: program as ProgramName }, own);
  }
  t.is(odd.join('\n\n'), '');
});

withPython('needs python3: each screen of a gateway is as reviewed, in 80 columns', async (t) => {
  const cwd = await gatewayStage(t);
  const program = 'holdfast-gateway';
  const at = ['--data-dir', 'gateway'];
  const person = (...words: readonly string[]) =>
    inTerminal(t, [gatewayBinary, ...words, ...at], { cwd });
  const ports = ['--mqtt-port', '0', '--http-port', '0'];
  const serving = person('serve', ...ports, '--webhook-allow-private');
  await serving.until(({ text }) => text.includes('Ctrl-C stops it'));
  sameScreen(t, 'gateway-serve', serving.screen.text);

  const typed = async (name: string, words: readonly string[], ...prompts: readonly string[]) => {
    const terminal = person(...words);
    for (const prompt of prompts) {
      await terminal.until(({ text }) => text.includes(prompt));
      terminal.type('correct horse battery\r');
    }
    t.is(await terminal.ended, 0, terminal.screen.text);
    sameScreen(t, name, terminal.screen.text);
  };
  const keys = ['keys', 'export', '--out', 'gateway.keys'];
  const kiosk = await askToBeLetIn(t, { cwd, serving: serving.screen.text });
  await Promise.all([
    typed('gateway-user-add', ['user', 'add', 'ola', '--role', 'admin'], 'New password:', 'Again:'),
    typed('gateway-keys-export', keys, 'New passphrase:', 'Again:'),
  ]);
  const scenes = [...pairingScenes, ...gatewayScenes];
  const { given } = kiosk;
  const shown = await playOnTerminal(t, { program, cwd, scenes, given, more: () => at });
  sameScreens(t, { file: program, program }, shown);
  await kiosk.isLetIn();
  await isGivenBack(t, person('devices', '--sort=-entries', '--watch=100ms'), /^pump-1 /m);
  await isGivenBack(t, person('runs', '--columns=run,state', '--watch=100ms'), /^order-1 /m);

  serving.type('\u0003');
  t.is(await serving.ended, 0);
  await typed('gateway-keys-import', ['keys', 'import', 'gateway.keys'], 'Passphrase:');
  const own = await playOnTerminal(t, { program, cwd, scenes: ownScenes });
  sameScreens(t, { file: `${program}-own`, program }, own);
});

/** A device that waits until somebody at the gateway lets it in. */
async function askToBeLetIn(
  t: ExecutionContext,
  { cwd, serving }: { readonly cwd: string; readonly serving: string },
) {
  const api = /dashboard +(\S+),/.exec(serving)?.[1] ?? '';
  const asks = ['enroll', '--gateway', api, '--device', 'kiosk-9', '--data-dir', 'kiosk'];
  const { screen, until, ended } = inTerminal(t, [holdfastBinary, ...asks], { cwd });
  await until(({ text }) => text.includes('Waiting'));
  const [, code = '', words = ''] = /Code (\S+), words: (.+)/.exec(screen.text) ?? [];
  const isLetIn = async (): Promise<void> => {
    t.is(await ended, 0);
    const text = screen.text.replaceAll(code, 'CODE').replaceAll(words, 'WORDS');
    sameScreen(t, 'enroll', text);
  };
  return { given: { CODE: code, WORDS: words }, isLetIn };
}

/** A list that goes on until Ctrl-C. */
async function isGivenBack(t: ExecutionContext, watched: InTerminal, row: RegExp): Promise<void> {
  const { screen, ended, type, until } = watched;
  await until(({ isOther, text }) => isOther && row.test(text) && /^Ctrl-C ends\.$/m.test(text));
  type('\u0003');
  t.is(await ended, 130);
  t.deepEqual([screen.isOther, screen.hasCursor], [false, true]);
}

withPython('needs python3: each screen of a fleet is as reviewed, in 80 columns', async (t) => {
  const program = 'holdfast-sim';
  const shown = await playOnTerminal(t, { program, cwd: await simStage(t), scenes: simScenes });
  sameScreens(t, { file: program, program }, shown);
});

withPython('needs python3: what is watched gives the terminal back at its end', async (t) => {
  const { env, surface } = await serveFixed(t);
  const watch = ['backlog', '--watch=100ms', '--until-synced'];
  const { screen, ended, type, until } = inTerminal(t, [holdfastBinary, ...watch], { env });

  await until(({ isOther, text }) => isOther && text.includes('1,284 of 1,284'));
  t.false(screen.hasCursor);
  surface.pending = 642;
  await until(({ text }) => text.includes('642 of 1,284'));
  // The course of the backlog has a column for each look.
  sameScreen(t, 'backlog-watch', screen.text.replaceAll(/┤.*$/gm, '┤ …'));
  type('w');
  await until(({ text }) => text.includes('BY WORKFLOW') && text.includes('BY KIND'));
  type('p');
  await until(({ text }) => text.includes('HELD: p goes on'));
  type('p');
  surface.pending = 0;

  t.is(await ended, 0);
  t.deepEqual([screen.isOther, screen.hasCursor], [false, true]);
  t.regex(screen.text, /synced at .+: 1,284 entries in /);
});

/** Schemas of what is printed only by what goes on, or takes long; and what holds them. */
const printedElsewhere: Readonly<Record<string, string>> = {
  'holdfast.ready/1': 'system/agent-cli',
  'holdfast.store-salvage/1': 'system/store-tools',
  'holdfast.started-lines/1': 'system/agent-cli',
  'holdfast.journal-row/1': 'system/agent-cli',
  'holdfast.log-line/1': 'system/doctor',
  'holdfast.enroll/1': 'system/enroll',
  'holdfast.listening/1': 'system/gateway-cli',
  'holdfast.held-entry/1': 'system/privacy',
  'holdfast.held-command/1': 'system/privacy',
  'holdfast.ledger-migrate/1': 'system/many-gateways',
  'holdfast.ledger-copy/1': 'system/many-gateways',
  'holdfast.exported/1': 'system/out',
  'holdfast.gateway-keys-moved/1': 'system/many-gateways',
  'holdfast.pairing-decided/1': 'system/enroll',
  'holdfast.demo/1': 'system/demo',
};

test('with -o json each command prints what its schema says, and nothing else', async (t) => {
  const [device, gateway] = await Promise.all([deviceStage(t), gatewayStage(t)]);
  const dataDir = join(gateway, 'gateway');
  const ports = { mqttPort: 0, httpPort: 0, webhookAllowPrivate: true };
  const serving = await Gateway.open({ dataDir, ...ports });
  t.teardown(() => serving.close());
  const user = ['user', 'add', 'ola', '--role', 'admin', '--data-dir', dataDir, '-o', 'json'];
  t.is((await runGatewayWith('correct horse battery\n', ...user)).code, 0);
  const env = { HOLDFAST_DATA_DIR: 'device' };
  const [isApproval, at] = [/^pair approve/, ['--data-dir', 'gateway']];
  const asked = [...pairingScenes, ...gatewayScenes].filter(({ line }) => !isApproval.test(line));
  const plays: readonly Played[] = [
    { program: 'holdfast', cwd: device, env, scenes: deviceScenes },
    { program: 'holdfast', cwd: device, scenes: [...storeScenes, { line: 'explain' }] },
    { program: 'holdfast-gateway', cwd: gateway, scenes: asked, more: () => at },
    { program: 'holdfast-gateway', cwd: gateway, scenes: ownScenes },
    { program: 'holdfast-sim', cwd: await simStage(t), scenes: simScenes },
  ];

  const names = new Set<string>();
  for (const play of plays) for (const name of await printedNames(t, play)) names.add(name);

  const published = Object.values(programs).flatMap((outputs) => outputs.map(nameOf));
  const unseen = published.filter((name) => !names.has(name) && !(name in printedElsewhere));
  t.deepEqual([...new Set(unseen)], [], 'each is printed by a line of test/support/screens');
});

/** Plays with JSON wanted where it can be had; the names of the schemas of what was printed. */
async function printedNames(t: ExecutionContext, play: Played): Promise<readonly string[]> {
  const command = (await allPrograms()).get(play.program);
  const leaves = command === undefined ? [] : leavesOf(command);
  const wish = ({ line }: Scene): readonly string[] => {
    const leaf = leaves.find(({ name }) => `${line} `.startsWith(`${name} `));
    const option = leaf?.command.options.find(
      ({ long, argChoices = ['json'] }) =>
        (long === '--output' || long === '--format') && argChoices.includes('json'),
    );
    // What is said of a table is refused where none is printed.
    const isTable = line.includes('--columns');
    return option === undefined || isTable ? [] : [`${option.long}=json`];
  };
  const more = (scene: Scene) => [...(play.more?.(scene) ?? []), ...wish(scene)];
  const [names, odd]: [string[], string[]] = [[], []];
  for (const { scene, code, text } of await playIntoPipe(t, { ...play, more })) {
    const line = `${play.program} ${scene.line}`;
    if (code !== (scene.code ?? 0)) odd.push(`${line} exits with ${code}: ${text}`);
    t.notRegex(text, colors, line);
    checkOutput(programs[play.program] ?? [], text);
    const found = objectsIn(text).map(({ schema }) => String(schema));
    const isJson = found.length > 0 || code > 0 || wish(scene).length === 0;
    if (!isJson) odd.push(`${line} is no JSON: ${text}`);
    names.push(...found);
  }
  t.deepEqual(odd, []);
  return names;
}

withPython('needs python3: top shows the device, and its keys are those of k9s', async (t) => {
  const { env } = await serveFixed(t);
  const { screen, ended, type, until } = inTerminal(t, [holdfastBinary, 'top'], { env });
  const seen = async (keys: string, text: string | RegExp) => {
    type(keys);
    await until((now) =>
      typeof text === 'string' ? now.text.includes(text) : text.test(now.text),
    );
  };

  await until(({ isOther, text }) => isOther && text.includes('? keys'));
  sameScreen(t, 'top', screen.text);
  await seen('?', 'Any key goes back');
  sameScreen(t, 'top-keys', screen.text);
  await seen('x2', '2 RUNS');
  await seen('/sleep\r', 'No runs');
  await seen('\u001b', 'busy');
  await seen('\r', 'authorize-payment, attempt 2');
  sameScreen(t, 'top-run', screen.text);
  await seen('y', '"schema": "holdfast.run/1"');
  await seen('jj', /^ {2}"workflow"/m);
  await seen('\u001b', '2 RUNS');
  await seen('d', 'authorize-payment, attempt 2');
  await seen('q\t', '3 JOURNAL');
  sameScreen(t, 'top-journal', screen.text);
  await seen(':log\r', '4 LOGS');
  sameScreen(t, 'top-logs', screen.text);
  await seen('p', 'HELD');
  type('q');
  t.is(await ended, 0);
  t.deepEqual([screen.isOther, screen.hasCursor, screen.text], [false, true, '']);
});

withPython('needs python3: top takes whatever room the terminal has', async (t) => {
  const { env } = await serveFixed(t);
  const { screen, ended, type, until, resize } = inTerminal(t, [holdfastBinary, 'top'], {
    ...{ env, columns: 160, rows: 40 },
  });
  await until(({ text }) => text.includes('? keys'));
  sameScreen(t, 'top-wide', screen.text);
  resize(40, 12);
  await until(({ text }) => text.includes('? keys'));
  sameScreen(t, 'top-narrow', screen.text);
  resize(39, 12);
  await until(({ text }) => text.includes('too small'));
  resize(80, 24);
  await until(({ text }) => text.includes('? keys'));
  sameScreen(t, 'top', screen.text);
  type('\u0003');
  t.is(await ended, 130);
  t.deepEqual([screen.isOther, screen.hasCursor], [false, true]);
});

withPython('needs python3: top goes on while its agent is killed and comes back', async (t) => {
  const cwd = await deviceStage(t);
  const agent = [
    ...['run', '--device', 'pump-1', '--code', 'flows.mjs', '--data-dir', 'own'],
    ...['--socket', 'own.sock'],
  ];
  const started = async () => {
    const running = inTerminal(t, [holdfastBinary, ...agent], { cwd });
    await running.until(({ text }) => text.includes('ready:'));
    return running;
  };
  const killed = await started();
  sameScreen(t, 'run', killed.screen.text);
  const top = inTerminal(t, [holdfastBinary, 'top', '--socket', 'own.sock'], { cwd });
  await top.until(({ text }) => text.includes('NO GATEWAY'));

  killed.signal('SIGKILL');
  await top.until(({ text }) => text.includes('NO AGENT ANSWERS'));
  sameScreen(t, 'top-away', top.screen.text);
  const again = await started();
  await top.until(({ text }) => text.includes('NO GATEWAY'));
  top.signal('SIGTERM');

  t.is(await top.ended, 143);
  t.deepEqual([top.screen.isOther, top.screen.hasCursor], [false, true]);
  again.type('\u0003');
  t.is(await again.ended, 0);
  await killed.ended;
});
