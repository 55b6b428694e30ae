// Numbers of seven bits a byte, the lowest first; all bytes but the last have their top bit set.

const LOW_BITS = 0x7f;
const MORE = 0x80;

/** How many bytes a number takes. */
export function varintBytes(value: number): number {
  let bytes = 1;
  for (let rest = value; rest > LOW_BITS; rest = Math.floor(rest / MORE)) bytes += 1;
  return bytes;
}

/** @returns Where the next byte goes. */
export function putVarint(target: Uint8Array, at: number, value: number): number {
  let rest = value;
  let end = at;
  for (; rest > LOW_BITS; rest = Math.floor(rest / MORE), end += 1) {
    target[end] = MORE | (rest % MORE);
  }
  target[end] = rest;
  return end + 1;
}

/** The number at a place, of `varintBytes`; `NaN` where the bytes end before it does. */
export function getVarint(source: Uint8Array, at: number): number {
  let value = 0;
  for (let index = at, scale = 1; ; index += 1, scale *= MORE) {
    const byte = source[index];
    if (byte === undefined) return Number.NaN;
    value += (byte & LOW_BITS) * scale;
    if (byte < MORE) return value;
  }
}
