import { InvalidArgumentError, Option } from 'commander';

/** An option that takes an integer from `min` to `max`. */
export function integerOption(
  flags: string,
  description: string,
  range: { readonly min: number; readonly max: number },
): Option {
  return new Option(flags, description).argParser((text: string) => {
    const value = /^\d{1,15}$/.test(text) ? Number(text) : Number.NaN;
    if (value >= range.min && value <= range.max) return value;
    throw new InvalidArgumentError(`It is not an integer from ${range.min} to ${range.max}.`);
  });
}
