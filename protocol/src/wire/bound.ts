import { invalid } from '../base/schema.ts';

export interface Bounds {
  readonly bytesMax: number;
  readonly depthMax: number;
  /** Every item counts: numbers, strings, arrays and what is in them. */
  readonly itemsMax: number;
}

// Written anew by each check, and as long as the deepest bounds allow: some ten thousand entries a
// second are looked at, and what each would leave behind costs more than the look.
/** How many items the array or map at each depth still expects; for maps, keys and values. */
const expected: number[] = [];
const inMap: boolean[] = [];
const head = { major: 0, value: 0, next: 0 };

/**
 * Refuses CBOR that would cost its reader more than its bytes are worth, before it is decoded.
 *
 * Allowed is a small, plain part of CBOR: integers, byte and text strings, arrays, maps with text
 * keys, simple values and floats, all of definite length. No tags: they are where decoders build
 * objects, big numbers and cycles for a stranger. One pass, no recursion, no allocation that the
 * sender can steer.
 *
 * @throws HF_MESSAGE_INVALID at the first item outside the bounds.
 */
export function checkBounds(bytes: Uint8Array, bounds: Bounds): void {
  if (bytes.length > bounds.bytesMax) {
    throw invalid('the message', `has ${bytes.length} bytes, of at most ${bounds.bytesMax}`);
  }
  expected[0] = 1;
  inMap[0] = false;
  let depth = 0;
  let at = 0;
  let items = 0;

  while (depth >= 0) {
    const left = expected[depth]!; // Written when this depth was entered.
    if (left === 0) {
      depth -= 1;
      continue;
    }
    expected[depth] = left - 1;
    items += 1;
    if (items > bounds.itemsMax) throw invalid('the message', 'has too many items');
    readHead(bytes, at);
    if (inMap[depth] === true && left % 2 === 0 && head.major !== 3) {
      throw invalid(`byte ${at}`, 'is a map key that is not text');
    }
    at = head.next;
    if (head.major === 2 || head.major === 3) {
      at += head.value;
      if (at > bytes.length) throw invalid('the message', 'ends inside a string');
    } else if (head.major === 4 || head.major === 5) {
      // Each item takes a byte at least: a count beyond the bytes that are left is a lie.
      const count = head.major === 5 ? head.value * 2 : head.value;
      if (count > bytes.length - at) throw invalid(`byte ${at}`, 'counts items beyond the end');
      if (count > bounds.itemsMax - items) throw invalid('the message', 'has too many items');
      if (depth + 1 >= bounds.depthMax) throw invalid(`byte ${at}`, 'is nested too deep');
      depth += 1;
      expected[depth] = count;
      inMap[depth] = head.major === 5;
    }
  }
  if (at !== bytes.length) throw invalid('the message', 'has bytes behind its end');
}

/** Reads the head of one item: its major type, its argument, and where its content begins. */
function readHead(bytes: Uint8Array, at: number): void {
  const first = bytes[at];
  if (first === undefined) throw invalid('the message', 'ends too early');
  const info = first & 31;
  head.major = first >> 5;
  if (head.major === 6) throw invalid(`byte ${at}`, 'is a tag');
  if (info < 24) {
    head.value = info;
    head.next = at + 1;
    return;
  }
  if (info > 27) throw invalid(`byte ${at}`, 'has an indefinite length');
  const width = 1 << (info - 24);
  head.next = at + 1 + width;
  if (head.next > bytes.length) throw invalid('the message', 'ends too early');
  head.value = 0;
  for (let index = at + 1; index < head.next; index += 1) {
    head.value = head.value * 256 + bytes[index]!; // Within the bytes, as checked above.
  }
}
