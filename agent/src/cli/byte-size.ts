import { HoldfastError } from '@holdfast/protocol/base';

const units: Readonly<Record<string, number>> = { '': 1, K: 2 ** 10, M: 2 ** 20, G: 2 ** 30 };

/** Reads a size: bytes, or text such as `512M` or `2GiB`. @throws HF_CONFIG_INVALID */
export function byteSize(option: string, text: string, min: number): number {
  const match = /^(\d{1,12})\s*([KMG]?)(?:i?B)?$/.exec(text.trim());
  const bytes = Number(match?.[1]) * (units[match?.[2] ?? ''] ?? Number.NaN);
  if (bytes >= min && Number.isSafeInteger(bytes)) return bytes;
  const why = `${option} ${text} is no size of at least ${min} bytes, such as 512M`;
  throw new HoldfastError('HF_CONFIG_INVALID', { why });
}
