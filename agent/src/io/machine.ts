import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { HoldfastError, hex } from '@holdfast/protocol';
import { sha256 } from './sha256.ts';

/** Bytes of the fingerprint: enough to tell any two machines apart. */
const BYTES = 16;
const NAME_LENGTH_MAX = 256;

/**
 * What tells this machine from others, as hex: the same after a restart, another one on a machine
 * that a copy of the data directory was brought to. Only a hash: it names nothing of the machine.
 *
 * A board's serial number, where there is one: it survives a new card and a new operating system.
 * Otherwise the machine id with the address of the first network card that is built in: images
 * that are cloned share the one, and not the other.
 *
 * @param name Given by a person, for places that change under an agent, as containers do; `none`:
 *   it is not to be looked at.
 * @param root For tests: where `/proc`, `/sys` and `/etc` are.
 * @returns Empty where nothing tells.
 * @throws HF_CONFIG_INVALID for a name that is too long or empty.
 */
export function machineOf(name?: string, root = '/'): string {
  if (name === 'none') return '';
  if (name !== undefined && (name === '' || name.length > NAME_LENGTH_MAX)) {
    const why = `the name of a machine has 1 to ${NAME_LENGTH_MAX} characters`;
    throw new HoldfastError('HF_CONFIG_INVALID', { why });
  }
  const told = name === undefined ? hardwareOf(root) : `name ${name}`;
  if (told === undefined) return '';
  const bytes = new TextEncoder().encode(`holdfast/1/machine/${told}`);
  return hex(sha256(bytes).subarray(0, BYTES));
}

function hardwareOf(root: string): string | undefined {
  const serial =
    read(root, 'proc/device-tree/serial-number') ??
    read(root, 'sys/firmware/devicetree/base/serial-number');
  // Zeros are what firmware says when nobody has told it.
  if (serial !== undefined && !/^0+$/.test(serial)) return `serial ${serial}`;
  const id = read(root, 'etc/machine-id');
  const address = addressOf(root);
  if (id === undefined && address === undefined) return undefined;
  return `id ${id ?? ''} ${address ?? ''}`;
}

/** Of the first card, by name, whose address was not made up by software. */
function addressOf(root: string): string | undefined {
  const PERMANENT = '0';
  for (const name of list(join(root, 'sys/class/net'))) {
    const card = `sys/class/net/${name}`;
    // A card that is plugged in has a device; bridges, tunnels and containers' ends have none.
    if (list(join(root, card, 'device')).length === 0) continue;
    if (read(root, `${card}/addr_assign_type`) === PERMANENT) return read(root, `${card}/address`);
  }
  return undefined;
}

function list(path: string): readonly string[] {
  try {
    return readdirSync(path).toSorted();
  } catch {
    return [];
  }
}

/** The text of a small file; `undefined` where there is none, or nothing in it. */
function read(root: string, path: string): string | undefined {
  try {
    // The device tree ends its texts with a zero byte.
    const text = readFileSync(join(root, path), 'utf8').replaceAll('\0', '').trim();
    return text === '' ? undefined : text;
  } catch {
    return undefined;
  }
}
