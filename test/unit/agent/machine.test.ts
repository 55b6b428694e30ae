import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { machineOf } from '@holdfast/agent/internal';
import { tempDir } from '../../support/temp-dir.ts';

/** A place that looks like the file systems of a machine. */
async function machine(
  t: ExecutionContext,
  files: Readonly<Record<string, string>>,
): Promise<string> {
  const root = await tempDir(t);
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), text);
  }
  return machineOf(undefined, root);
}

const card = (name: string, address: string, assigned = '0') => ({
  [`sys/class/net/${name}/address`]: `${address}\n`,
  [`sys/class/net/${name}/addr_assign_type`]: `${assigned}\n`,
  [`sys/class/net/${name}/device/vendor`]: '0x14e4\n',
});
const bridge = (name: string, address: string) => ({
  [`sys/class/net/${name}/address`]: `${address}\n`,
  [`sys/class/net/${name}/addr_assign_type`]: '0\n',
});
const id = { 'etc/machine-id': '0b87c6a2\n' };
const serial = { 'proc/device-tree/serial-number': '10000000abcdef01\0' };

test('a cloned image on another board is another machine', async (t) => {
  const one = await machine(t, { ...id, ...serial, ...card('eth0', 'aa:01') });
  const again = await machine(t, { ...id, ...serial, ...card('eth0', 'aa:01') });
  const other = await machine(t, {
    ...id,
    'proc/device-tree/serial-number': '10000000abcdef02\0',
    ...card('eth0', 'aa:01'),
  });

  t.regex(one, /^[0-9a-f]{32}$/);
  t.is(again, one);
  t.not(other, one);
});

test('a board stays the same with another card and another system', async (t) => {
  const one = await machine(t, { ...serial, ...id, ...card('eth0', 'aa:01') });
  const other = await machine(t, {
    'sys/firmware/devicetree/base/serial-number': '10000000abcdef01\0',
    'etc/machine-id': 'another\n',
    ...card('eth1', 'aa:02'),
  });

  t.is(other, one);
});

test('without a serial number the machine id and the first built-in address tell', async (t) => {
  const one = await machine(t, { ...id, ...card('eth0', 'aa:01') });
  const more = {
    ...bridge('br-0', '02:42'),
    ...card('eth0', 'aa:01'),
    ...card('wlan0', 'aa:09'),
    ...card('dummy0', '12:34', '1'),
  };
  const blank = { 'proc/device-tree/serial-number': '0000000000000000\0' };

  t.is(await machine(t, { ...id, ...more, ...blank }), one);
  t.not(await machine(t, { ...id, ...card('eth0', 'aa:02') }), one);
  t.not(await machine(t, { 'etc/machine-id': 'another', ...card('eth0', 'aa:01') }), one);
});

test('a name that is given counts instead, and none looks at nothing', async (t) => {
  const root = await tempDir(t);

  t.is(machineOf('rack-7', root), machineOf('rack-7'));
  t.not(machineOf('rack-7', root), machineOf('rack-8', root));
  t.is(machineOf('none'), '');
  t.is(machineOf(undefined, root), '');
  t.throws(() => machineOf(''), { code: 'HF_CONFIG_INVALID' });
});
