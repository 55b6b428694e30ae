/** Bytes of one encoded value. */
export const VALUE_BYTES_MAX = 8 * 1024 * 1024;

/** Keys, items and values in one value: what its reader spends on it. */
export const VALUE_ITEMS_MAX = 128 * 1024;

/** Objects within objects, arrays, maps, sets and causes. */
export const VALUE_DEPTH_MAX = 64;

/**
 * One object is at most four CBOR containers: an error's map, its fields, and one pair of them.
 * One item is at most eight of CBOR: what a kind is wrapped in, and a pair.
 */
export const valueBounds = {
  bytesMax: VALUE_BYTES_MAX,
  depthMax: 4 * VALUE_DEPTH_MAX + 8,
  itemsMax: 8 * VALUE_ITEMS_MAX,
};
