const BETWEEN = '-event-';
const [ZERO, NINE] = [0x30, 0x39];

/** What the payload of an event says that somebody emits on a device. */
export const eventId = (device: string, number: number): string => `${device}${BETWEEN}${number}`;

/** `{"id"`: how the payload begins. */
const HEAD = [0xa1, 0x62, 0x69, 0x64] as const;
/** A text of so many bytes, or more, has its length in a byte of its own. */
const LONG = 24;
const [SHORT_TEXT, LONG_TEXT] = [0x60, 0x78];

/**
 * The payload `{ id }`, as `encodeValue` has it: a program in C emits as much without asking what
 * its value may be.
 */
export function eventPayload(id: string): Uint8Array {
  const { length } = id;
  const head = length < LONG ? [...HEAD, SHORT_TEXT | length] : [...HEAD, LONG_TEXT, length];
  const payload = new Uint8Array(head.length + length);
  payload.set(head);
  for (let at = 0; at < length; at += 1) payload[head.length + at] = id.charCodeAt(at);
  return payload;
}

/**
 * The number in the id of an event outside runs, which is the last that its entry says;
 * `undefined`: it is another event. Of the hundred thousands that a busy world has, none is decoded
 * for that.
 */
export function eventNumberIn(entry: Uint8Array): number | undefined {
  let number = 0;
  let at = entry.length - 1;
  for (let scale = 1; at >= 0; at -= 1, scale *= 10) {
    const digit = entry[at] ?? 0;
    if (digit < ZERO || digit > NINE) break;
    number += scale * (digit - ZERO);
  }
  const from = at + 1 - BETWEEN.length;
  for (let index = 0; index < BETWEEN.length; index += 1) {
    if (entry[from + index] !== BETWEEN.charCodeAt(index)) return undefined;
  }
  return number > 0 ? number : undefined;
}
