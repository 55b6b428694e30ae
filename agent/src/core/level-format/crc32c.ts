/** CRC-32C (Castagnoli), as LevelDB puts it before every fragment and behind every block. */

const POLYNOMIAL = 0x82f63b78;
const MASK_DELTA = 0xa282ead8;

const table = Uint32Array.from({ length: 256 }, (_, byte) => {
  let crc = byte;
  for (let bit = 0; bit < 8; bit += 1) crc = crc & 1 ? (crc >>> 1) ^ POLYNOMIAL : crc >>> 1;
  return crc >>> 0;
});

/** Nothing has been taken in yet. */
export const CRC_START = 0xffff_ffff;

/** Takes in bytes `from … to - 1`. */
export function crcUpdate(crc: number, bytes: Uint8Array, from: number, to: number): number {
  let rest = crc;
  for (let at = from; at < to; at += 1) {
    // Both are there: the index of the table is below 256, that of the bytes below `to`.
    rest = (rest >>> 8) ^ (table[(rest ^ (bytes[at] ?? 0)) & 0xff] ?? 0);
  }
  return rest;
}

/** The form that is stored: masked, since a CRC over bytes that hold CRCs is weak. */
export function crcStored(crc: number): number {
  const plain = (crc ^ 0xffff_ffff) >>> 0;
  return (((plain >>> 15) | (plain << 17)) + MASK_DELTA) >>> 0;
}
