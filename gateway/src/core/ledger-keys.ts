import {
  HASH_BYTES,
  ascii,
  concat,
  encodeCbor,
  laneIndex,
  lanes,
  type Lane,
} from '@holdfast/protocol';
import type { Tag } from './dispatch.ts';

/**
 * Keys of the ledger's store. They compare as bytes, so numbers are 64-bit big-endian:
 *
 *   meta       'm' name                                  → format
 *   device     'd' device                                → device row
 *   epoch      'e' device epoch                        → how a life of its journal began
 *   key        'y' device name                         → since when a key counts, and until when
 *   position   'p' device epoch lane                     → watermark, hash
 *   block      'b' device epoch lane seqFirst            → consecutive entries of one batch
 *   hole       'x' device epoch lane seqFirst            → declared hole
 *   run        'r' device run                            → run row
 *   runOrder   'o' ordinal                               → key of the run row
 *   ownOrder   'w' device ordinal                        → key of the run row
 *   runState   'S' state ordinal                         → key of the run row
 *   call       'c' service ordinal                       → pending call
 *   parked     'P' service ordinal                       → call that waits for a person
 *   callKey    'k' device epoch key                      → pending, or the command that answered
 *   callPlace  'l' device epoch run op                   → which pending call is there
 *   command    'n' device number                         → command
 *   commandMarks 'C' device                              → how far it had answered them when
 *   content    'v' device epoch lane seq                 → what a value has sealed, or why not
 *   subject    's' hash device epoch lane seq            → nothing: a content about it is held
 *   answer     't' hash device number                    → nothing: a command about it
 *   erased     'f' hash                                  → until when it was erased
 *   erasure    'z' time hash                             → receipt
 *   clock      'q' device epoch boot                     → what time it truly was in that boot
 *   incarnation 'j' device                              → which agents greeted as it
 *   dispatch   'g' id                                    → what was issued, and how far it is
 *   dispatchOrder 'h' ordinal                               → its id
 *   dispatched 'i' id device                             → what became of it there
 *   tally      'K' id slot                               → on how many devices what became of it
 *   quarantine 'a' device                                → sums of what is kept aside
 *   late       'u' device epoch lane seqFirst            → entries under a key that counted no more
 *   subscriber 'A' id                                    → whom to tell of entries, and of which
 *   outCursor  'B' subscriber device                     → how far it was told
 *   dead       'D' subscriber device epoch lane seq      → an entry that it did not take
 *   pruning    'R' time                                  → receipt of what was kept long enough
 *   newLife    'N' time device                           → epoch and cause of a life that began
 *   tagged     'T' name value device                     → nothing: a device has that tag
 *
 * A device's id ends with a zero byte, which no id contains; other text is CBOR, which says its
 * own length: whatever a device sends, its keys stay apart from each other and from other devices'.
 */
export const tableLetters = {
  meta: 'm',
  device: 'd',
  epoch: 'e',
  key: 'y',
  position: 'p',
  block: 'b',
  hole: 'x',
  run: 'r',
  runOrder: 'o',
  ownOrder: 'w',
  runState: 'S',
  call: 'c',
  parked: 'P',
  callKey: 'k',
  callPlace: 'l',
  command: 'n',
  commandMarks: 'C',
  content: 'v',
  subject: 's',
  answer: 't',
  erased: 'f',
  erasure: 'z',
  clock: 'q',
  incarnation: 'j',
  dispatch: 'g',
  dispatchOrder: 'h',
  dispatched: 'i',
  quarantine: 'a',
  late: 'u',
  subscriber: 'A',
  outCursor: 'B',
  dead: 'D',
  pruning: 'R',
  newLife: 'N',
  tagged: 'T',
  tally: 'K',
} as const;

export type Table = keyof typeof tableLetters;

/** One lane of one epoch of a device: one chain. */
export interface Chain {
  readonly device: string;
  readonly epoch: number;
  readonly lane: Lane;
}

function uint64(value: number): Uint8Array {
  const bytes = new Uint8Array(8);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, Math.floor(value / 2 ** 32));
  view.setUint32(4, value % 2 ** 32);
  return bytes;
}

function readUint64(bytes: Uint8Array, at: number): number {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  return view.getUint32(at) * 2 ** 32 + view.getUint32(at + 4);
}

/** The keys of a table: all of it, or of one device. */
export function prefixOf(table: Table, device?: string): Uint8Array {
  return ascii(device === undefined ? tableLetters[table] : `${tableLetters[table]}${device}\0`);
}

/** The first key behind all that begin with `prefix`. */
export function behind(prefix: Uint8Array): Uint8Array {
  // A hash may end with 255. The letter of a table never is.
  const last = prefix.findLastIndex((byte) => byte < 255);
  const key = prefix.slice(0, last + 1);
  key[last] = (key[last] ?? 0) + 1;
  return key;
}

export const metaKey = (name: string): Uint8Array => concat([prefixOf('meta'), ascii(name)]);

export const deviceKey = (device: string): Uint8Array => prefixOf('device', device);

export function epochKey(device: string, epoch: number): Uint8Array {
  return concat([prefixOf('epoch', device), uint64(epoch)]);
}

/** Lives that began at this time or later. */
export function newLivesFrom(atMs: number): Uint8Array {
  return concat([prefixOf('newLife'), uint64(atMs)]);
}

export function newLifeKey(atMs: number, device: string): Uint8Array {
  return concat([newLivesFrom(atMs), ascii(device)]);
}

export function parseNewLife(key: Uint8Array): {
  readonly device: string;
  readonly beganAtMs: number;
} {
  return { device: String.fromCharCode(...key.subarray(9)), beganAtMs: readUint64(key, 1) };
}

/** The keys of devices that have a tag: what is behind is a device. */
export function taggedWith({ name, value }: Tag): Uint8Array {
  return concat([prefixOf('tagged'), encodeCbor(name), encodeCbor(value)]);
}

export function taggedKey(tag: Tag, device: string): Uint8Array {
  return concat([taggedWith(tag), ascii(device)]);
}

export function deviceOfTagged(key: Uint8Array, tag: Tag): string {
  return String.fromCharCode(...key.subarray(taggedWith(tag).length));
}

export function keyKey(device: string, name: string): Uint8Array {
  return concat([prefixOf('key', device), ascii(name)]);
}

function chainPrefix(table: Table, chain: Chain): Uint8Array {
  const lane = Uint8Array.of(laneIndex(chain.lane));
  return concat([prefixOf(table, chain.device), uint64(chain.epoch), lane]);
}

export const positionKey = (chain: Chain): Uint8Array => chainPrefix('position', chain);

export const blocksOf = (chain: Chain): Uint8Array => chainPrefix('block', chain);

export function blockKey(chain: Chain, seqFirst: number): Uint8Array {
  return concat([blocksOf(chain), uint64(seqFirst)]);
}

export const quarantineKey = (device: string): Uint8Array => prefixOf('quarantine', device);

export function lateKey(chain: Chain, seqFirst: number): Uint8Array {
  return concat([chainPrefix('late', chain), uint64(seqFirst)]);
}

/** What `lateKey` was made of. */
export function placeOfLate(
  key: Uint8Array,
): Omit<Chain, 'device'> & { readonly seqFirst: number } {
  const at = key.length - 17;
  const lane = lanes[key[at + 8] ?? 0] ?? 'urgent';
  return { epoch: readUint64(key, at), lane, seqFirst: ordinalOf(key) };
}

export const holesOf = (chain: Chain): Uint8Array => chainPrefix('hole', chain);

export function holeKey(chain: Chain, seqFirst: number): Uint8Array {
  return concat([holesOf(chain), uint64(seqFirst)]);
}

/** The chain of a position's, block's or hole's key, and the number behind it. */
export function parseChainKey(
  key: Uint8Array,
): { readonly chain: Chain; readonly seqFirst: number } | undefined {
  const end = key.indexOf(0);
  const rest = end < 0 ? 0 : key.length - end - 1;
  const lane = lanes[key[end + 9] ?? lanes.length];
  if ((rest !== 9 && rest !== 17) || lane === undefined) return undefined;
  const device = String.fromCharCode(...key.subarray(1, end));
  return {
    chain: { device, epoch: readUint64(key, end + 1), lane },
    seqFirst: rest === 17 ? readUint64(key, end + 10) : 0,
  };
}

export function runKey(device: string, run: string): Uint8Array {
  return concat([prefixOf('run', device), encodeCbor(run)]);
}

export function runOrderKey(ordinal: number): Uint8Array {
  return concat([prefixOf('runOrder'), uint64(ordinal)]);
}

export function ownOrderKey(device: string, ordinal: number): Uint8Array {
  return concat([prefixOf('ownOrder', device), uint64(ordinal)]);
}

/** The keys of runs in a state: what is behind is an ordinal. */
export function runsIn(state: string): Uint8Array {
  return concat([prefixOf('runState'), encodeCbor(state)]);
}

export function runStateKey(run: {
  readonly state: string;
  readonly ordinal: number;
}): Uint8Array {
  return concat([runsIn(run.state), uint64(run.ordinal)]);
}

/** The keys of calls of a service: what is behind is an ordinal. */
export function callsOf(table: 'call' | 'parked', service: string): Uint8Array {
  return concat([prefixOf(table), encodeCbor(service)]);
}

export function callKey(
  table: 'call' | 'parked',
  call: { readonly service: string; readonly ordinal: number },
): Uint8Array {
  return concat([callsOf(table, call.service), uint64(call.ordinal)]);
}

/** The ordinal at the end of a key of calls, or of an order of runs. */
export function ordinalOf(key: Uint8Array): number {
  return readUint64(key, key.length - 8);
}

export function callKeyKey(call: {
  readonly device: string;
  readonly epoch: number;
  readonly key: string;
}): Uint8Array {
  return concat([prefixOf('callKey', call.device), uint64(call.epoch), encodeCbor(call.key)]);
}

export function callPlaceKey(call: {
  readonly device: string;
  readonly epoch: number;
  readonly run: string;
  readonly op: number;
}): Uint8Array {
  return concat([
    prefixOf('callPlace', call.device),
    uint64(call.epoch),
    encodeCbor(call.run),
    uint64(call.op),
  ]);
}

export function contentKey(place: Chain & { readonly seq: number }): Uint8Array {
  return concat([chainPrefix('content', place), uint64(place.seq)]);
}

/** All that begins with this is about the subject. */
export function aboutSubject(table: 'subject' | 'answer', hash: Uint8Array): Uint8Array {
  return concat([prefixOf(table), hash]);
}

export function subjectKey(hash: Uint8Array, place: Chain & { readonly seq: number }): Uint8Array {
  return concat([aboutSubject('subject', hash), contentKey(place).subarray(1)]);
}

/** The place that a key of `subject` names. */
export function parseSubjectKey(key: Uint8Array): (Chain & { readonly seq: number }) | undefined {
  const at = parseChainKey(concat([prefixOf('content'), key.subarray(1 + HASH_BYTES)]));
  return at && { ...at.chain, seq: at.seqFirst };
}

export function answerKey(hash: Uint8Array, device: string, number: number): Uint8Array {
  return concat([aboutSubject('answer', hash), commandKey(device, number).subarray(1)]);
}

/** The key of the command that a key of `answer` names. */
export function commandKeyOf(answer: Uint8Array): Uint8Array {
  return concat([prefixOf('command'), answer.subarray(1 + HASH_BYTES)]);
}

export const erasedKey = (hash: Uint8Array): Uint8Array => concat([prefixOf('erased'), hash]);

export function erasureKey(atMs: number, hash: Uint8Array): Uint8Array {
  return concat([prefixOf('erasure'), uint64(atMs), hash]);
}

export function pruningKey(atMs: number): Uint8Array {
  return concat([prefixOf('pruning'), uint64(atMs)]);
}

export function commandKey(device: string, number: number): Uint8Array {
  return concat([prefixOf('command', device), uint64(number)]);
}

export const commandMarksKey = (device: string): Uint8Array => prefixOf('commandMarks', device);

export function dispatchKey(id: string): Uint8Array {
  return concat([prefixOf('dispatch'), encodeCbor(id)]);
}

export function dispatchOrderKey(ordinal: number): Uint8Array {
  return concat([prefixOf('dispatchOrder'), uint64(ordinal)]);
}

/** What became of a dispatch: what is behind is a device. */
export function dispatchedOf(id: string): Uint8Array {
  return concat([prefixOf('dispatched'), encodeCbor(id)]);
}

export function dispatchedKey(id: string, device: string): Uint8Array {
  return concat([dispatchedOf(id), ascii(device)]);
}

/** The counts of a dispatch: what is behind is a slot. */
export function talliesOf(id: string): Uint8Array {
  return concat([prefixOf('tally'), encodeCbor(id)]);
}

export function tallyKey(id: string, slot: number): Uint8Array {
  return concat([talliesOf(id), Uint8Array.of(slot)]);
}

export const incarnationKey = (device: string): Uint8Array => prefixOf('incarnation', device);

/** The clocks of an epoch: what is behind is a boot. */
export function clocksOf(device: string, epoch: number): Uint8Array {
  return concat([prefixOf('clock', device), uint64(epoch)]);
}

export function clockKey(device: string, epoch: number, boot: number): Uint8Array {
  return concat([clocksOf(device, epoch), uint64(boot)]);
}
