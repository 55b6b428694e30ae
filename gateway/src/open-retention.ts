import { randomUUID } from 'node:crypto';
import type { Log } from '@holdfast/protocol';
import type { Ledger } from './core/ledger.ts';
import { Retention } from './core/retention/retention.ts';
import { readKeepCommands, type RetentionRule } from './core/retention/rules.ts';
import { systemClock } from './io/system-clock.ts';
import type { GatewayOptions } from './gateway-options.ts';

/** What is kept how long. */
export interface Kept {
  readonly rules: readonly RetentionRule[];
  readonly keepCommandsMs: number;
}

/** @throws HF_USAGE */
export function readKept({
  retention: rules = [],
  keepCommands,
}: Pick<GatewayOptions, 'retention' | 'keepCommands'>): Kept {
  return { rules, keepCommandsMs: readKeepCommands(keepCommands) };
}

/** Has the ledger pruned from now on. */
export function startRetention(
  kept: Kept,
  parts: { readonly ledger: Ledger; readonly log: Log },
): Retention {
  return new Retention({ ...parts, ...kept, clock: systemClock, owner: randomUUID() });
}
