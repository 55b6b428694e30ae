import { HoldfastError, isDeviceId } from '@holdfast/protocol';

export const LIMIT_DEFAULT = 100;
export const LIMIT_MAX = 1_000;

/** The id of a device from a path. @throws HF_DEVICE_UNKNOWN for text that cannot be one. */
export function readDevice(text: unknown): string {
  if (typeof text === 'string' && isDeviceId(text)) return text;
  throw new HoldfastError('HF_DEVICE_UNKNOWN', {
    why: 'an id has 1 to 64 letters, digits, _ or -',
  });
}
