import { ENTRY_BYTES_MAX } from './entry.ts';

/** Objects within objects, arrays, maps, sets and causes. */
export const VALUE_DEPTH_MAX = 64;

/** One object is at most four CBOR containers: an error's map, its fields, and one pair of them. */
export const valueBounds = {
  bytesMax: ENTRY_BYTES_MAX,
  depthMax: 4 * VALUE_DEPTH_MAX + 8,
  itemsMax: ENTRY_BYTES_MAX,
};
