import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import test, { type ExecutionContext } from 'ava';
import { Gateway } from '@holdfast/gateway';
import { gatewayBinary } from '../support/gateway-process.ts';
import { holdfastBinary } from '../support/holdfast-cli.ts';
import { checkoutEntries, ingestAll } from '../support/journaled.ts';
import { hasProgram } from '../support/program.ts';
import { inTerminal } from '../support/in-terminal.ts';
import { serve, type Served } from '../support/scripted-agent.ts';
import { sameScreen } from '../support/snapshots.ts';
import { tempDir } from '../support/temp-dir.ts';

const simBinary = fileURLToPath(
  new URL('../../../device-sim/bin/holdfast-sim.js', import.meta.url),
);

// eslint-disable-next-line no-control-regex -- Colours begin with a control character.
const colors = /\u001b\[[0-9;]*m/;

/** A gateway's data directory with a checkout of one device in its ledger. */
async function seededGateway(t: ExecutionContext): Promise<string> {
  const dataDir = join(await tempDir(t), 'gateway');
  const gateway = await Gateway.open({ dataDir, mqttPort: 0 });
  try {
    await ingestAll(gateway.ledger, 'pump-1', checkoutEntries('order-1'));
  } finally {
    await gateway.close();
  }
  return dataDir;
}

/** An agent that says the same whenever it is asked; programs in a terminal have a fixed time. */
async function serveFixed(t: ExecutionContext): Promise<Served> {
  const served = await serve(t);
  const { surface } = served;
  surface.link = { ...surface.link, nextTryAt: '2026-11-28T06:00:41.000Z' };
  return served;
}

const withPython = hasProgram('python3') ? test : test.skip;

withPython('needs python3: screens of holdfast fit into 80 by 24', async (t) => {
  const { env, surface } = await serveFixed(t);
  surface.link = { ...surface.link, gateway: null };
  const commands = [
    ...['status', 'backlog', 'workflow ls --all', 'workflow show busy', 'journal tail'],
    ...['schedule ls', 'logs', 'explain HF_STORE_LOCKED', 'check', 'doctor', 'status --help'],
    ...['check --format text', 'journal tail --hex', 'workflow ls --all --columns run,synced'],
  ];

  await Promise.all(
    commands.map(async (command) => {
      const { screen, ended, written } = inTerminal(t, [holdfastBinary, ...command.split(' ')], {
        env: { ...env, NO_COLOR: '1' },
      });
      const code = await ended;
      t.is(code, { check: 1, 'check --format text': 1, doctor: 8 }[command] ?? 0, command);
      t.notRegex(written(), colors, command);
      sameScreen(t, command.replaceAll(/[ -]+/g, '-').toLowerCase(), screen.text);
    }),
  );
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

withPython(
  'needs python3: top shows the device, and every way out gives the terminal back',
  async (t) => {
    const { env } = await serveFixed(t);
    const top = (size = {}) => inTerminal(t, [holdfastBinary, 'top'], { env, ...size });
    const { screen, ended, type, until } = top();
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
    await seen('q:log\r', '4 LOGS');
    await seen('p', 'HELD');
    type('q');
    t.is(await ended, 0);
    t.deepEqual([screen.isOther, screen.hasCursor, screen.text], [false, true, '']);

    const small = top({ columns: 39, rows: 10 });
    await small.until(({ text }) => text.includes('too small'));
    small.type('\u0003');
    t.is(await small.ended, 130);
    t.deepEqual([small.screen.isOther, small.screen.hasCursor], [false, true]);
  },
);

withPython(
  'needs python3: screens of the gateway and the simulator fit into 80 by 24',
  async (t) => {
    const dataDir = await seededGateway(t);
    const at = ['--data-dir', dataDir];
    const commands: readonly (readonly [name: string, ...command: string[]])[] = [
      ['gateway-devices', gatewayBinary, 'devices', ...at],
      ['gateway-device', gatewayBinary, 'devices', 'pump-1', ...at],
      ['gateway-runs', gatewayBinary, 'runs', ...at],
      ['gateway-backlog', gatewayBinary, 'backlog', ...at],
      ['gateway-stuck', gatewayBinary, 'stuck', ...at],
      ['gateway-check', gatewayBinary, 'check', 'fleet', 'backlog', '--format=text', ...at],
      ['gateway-verify', gatewayBinary, 'ledger', 'verify', ...at],
      ['gateway-error', gatewayBinary, 'devices', 'pump-9', ...at],
      ['gateway-explain', gatewayBinary, 'explain', 'store_locked'],
      ['sim-help', simBinary, '--help'],
      ['sim-error', simBinary, 'run', '--seed', 'x'],
    ];

    // One after another: a data directory has one owner at a time.
    for (const [name, ...command] of commands) {
      const env = { NO_COLOR: '1' };
      const { screen, ended, written } = inTerminal(t, command, { env });
      await ended;
      t.notRegex(written(), colors, name);
      sameScreen(t, name, screen.text);
    }
    const watched: readonly (readonly [list: readonly string[], row: RegExp])[] = [
      [['devices', '--sort=-entries'], /^pump-1 [^]*Ctrl-C ends\.$/m],
      [['runs', '--columns=run,state'], /^RUN +STATE\s+order-1 +[^]*Ctrl-C ends\.$/m],
    ];
    for (const [list, row] of watched) {
      const watch = [gatewayBinary, ...list, '--watch=100ms', ...at];
      const { screen, ended, type, until } = inTerminal(t, watch);
      await until(({ isOther, text }) => isOther && row.test(text));
      type('\u0003');
      t.is(await ended, 130);
      t.deepEqual([screen.isOther, screen.hasCursor], [false, true]);
    }
  },
);
