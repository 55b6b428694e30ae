import type { DeviceClocks } from './device-clock.ts';
import type { Ledger } from './ledger.ts';

/** Reads what is known of the clocks of devices, each once, for the rows of one view. */
export function clockReader(
  ledger: Ledger,
): (of: { readonly device: string; readonly epoch: number }) => Promise<DeviceClocks> {
  const known = new Map<string, Promise<DeviceClocks>>();
  return ({ device, epoch }) => {
    const name = `${device}/${epoch}`;
    const clocks = known.get(name) ?? ledger.clocks(device, epoch);
    known.set(name, clocks);
    return clocks;
  };
}
