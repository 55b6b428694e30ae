import { entryShape } from './entry.ts';
import { batchEntries, messages } from './messages.ts';

/**
 * Version of everything that crosses the link. History:
 * 1  hello, welcome, batch, ack, report, commands, refusal, hole; 31 kinds of entry.
 */
export const PROTOCOL_VERSION = 1;
/** The oldest version that this code still speaks. */
export const PROTOCOL_VERSION_MIN = 1;

/** Canonical text of every message and entry. A change here is a change of the protocol. */
export const protocolShape = [
  ...Object.entries(messages).map(([kind, schema]) => `${kind}${schema.shape}`),
  `batchEntries${batchEntries.shape}`,
  entryShape,
].join('\n');

export interface VersionRange {
  readonly protocolMin: number;
  readonly protocolMax: number;
}

/** The highest version both sides speak; `undefined` when there is none. */
export function negotiate(peer: VersionRange): number | undefined {
  const version = Math.min(PROTOCOL_VERSION, peer.protocolMax);
  return version >= Math.max(PROTOCOL_VERSION_MIN, peer.protocolMin) ? version : undefined;
}
