import { randomUUID } from 'node:crypto';
import type { Log } from '@holdfast/protocol';
import type { Ledger } from './core/ledger.ts';
import { Retention } from './core/retention/retention.ts';
import type { RetentionRule } from './core/retention/rules.ts';
import { systemClock } from './io/system-clock.ts';

/** Has the ledger pruned by these rules from now on. */
export function startRetention(
  rules: readonly RetentionRule[] = [],
  { ledger, log }: { readonly ledger: Ledger; readonly log: Log },
): Retention {
  return new Retention({ ledger, rules, log, clock: systemClock, owner: randomUUID() });
}
