import { HoldfastError } from '@holdfast/protocol';
import type { AgentOptions } from './agent-options.ts';

/** Every option that there is: the compiler says when one is missing. */
const known: Readonly<Record<keyof AgentOptions, true>> = {
  ...{ dataDir: true, device: true, machine: true, isMoved: true, workflows: true },
  ...{ gateway: true, brokerProfile: true, mqttVersion: true },
  ...{ tls: true, password: true, proxy: true, storeKey: true },
  ...{ retention: true, retentionBytes: true, journalMaxBytes: true, diskReserveBytes: true },
  ...{ conditions: true, stepsAtOnce: true, metered: true, uplink: true, socket: true },
  ...{ log: true, tracer: true, point: true },
};

/**
 * A name that there is not is a slip of a program that no compiler has checked.
 *
 * @throws HF_CONFIG_INVALID
 */
export function checkNames(options: AgentOptions): void {
  const strange = Object.keys(options).find((name) => !Object.hasOwn(known, name));
  if (strange === undefined) return;
  const why = `there is no option ${strange}; there are ${Object.keys(known).join(', ')}`;
  throw new HoldfastError('HF_CONFIG_INVALID', { why });
}
