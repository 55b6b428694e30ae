import { lookup, type LookupAddress, type LookupOptions } from 'node:dns';
import { BlockList, isIP } from 'node:net';
import { HoldfastError } from '@holdfast/protocol';

/** What is not the internet at large [IANA special-purpose address registries]. */
const inside = new BlockList();
for (const [net, prefix] of [
  ['0.0.0.0', 8],
  ['10.0.0.0', 8],
  ['100.64.0.0', 10],
  ['127.0.0.0', 8],
  // Link-local, and the metadata of clouds.
  ['169.254.0.0', 16],
  ['172.16.0.0', 12],
  ['192.0.0.0', 24],
  ['192.0.2.0', 24],
  ['192.88.99.0', 24],
  ['192.168.0.0', 16],
  ['198.18.0.0', 15],
  ['198.51.100.0', 24],
  ['203.0.113.0', 24],
  ['224.0.0.0', 4],
  ['240.0.0.0', 4],
] as const) {
  inside.addSubnet(net, prefix, 'ipv4');
}
/** Of the addresses that are given out: those that stand for an IPv4 one, or for none. */
for (const [net, prefix] of [
  ['2001::', 23],
  ['2001:db8::', 32],
  ['2002::', 16],
  ['3fff::', 20],
] as const) {
  inside.addSubnet(net, prefix, 'ipv6');
}
const global = new BlockList();
global.addSubnet('2000::', 3, 'ipv6');

/** Whether an address is one of the internet at large. */
export function isPublic(address: string): boolean {
  const family = isIP(address);
  if (family === 4) return !inside.check(address, 'ipv4');
  if (family !== 6) return false;
  return global.check(address, 'ipv6') && !inside.check(address, 'ipv6');
}

type Found = (
  error: NodeJS.ErrnoException | null,
  address: string | LookupAddress[],
  family?: number,
) => void;

/**
 * Looks a name up for a connection, and refuses one that has any address inside: what is checked is
 * what is connected to.
 */
export function lookupPublic(host: string, options: LookupOptions, found: Found): void {
  lookup(host, { ...options, all: true }, (error, addresses) => {
    const refused = error ?? refusalOf(host, addresses);
    const [first] = addresses ?? [];
    if (refused !== null || first === undefined) found(refused ?? notFound(host), []);
    else if (options.all === true) found(null, addresses);
    else found(null, first.address, first.family);
  });
}

function refusalOf(host: string, addresses: readonly LookupAddress[]): HoldfastError | null {
  const found = addresses.find(({ address }) => !isPublic(address));
  return found === undefined ? null : notPublic(`${host} is ${found.address}`);
}

function notFound(host: string): HoldfastError {
  return new HoldfastError('HF_WEBHOOK_TARGET', { why: `${host} has no address` });
}

export function notPublic(what: string): HoldfastError {
  return new HoldfastError('HF_WEBHOOK_TARGET', { why: `${what}, which is not a public address` });
}
