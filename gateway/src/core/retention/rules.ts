import { HoldfastError, durationMs, messageOf, type Duration } from '@holdfast/protocol';
import type { Tag } from '../dispatch.ts';

/** How long the ledger keeps what a rule is about. */
export interface RetentionRule {
  /** Only runs of this workflow; `undefined`: everything, events outside of runs too. */
  readonly workflow: string | undefined;
  /** Only of devices that have this tag. */
  readonly tag: Tag | undefined;
  /** `Infinity`: for ever. */
  readonly keepMs: number;
}

/** Shorter than what a device may be away for is a mistake. */
const KEEP_MS_MIN = 60_000;
/** Long enough for a device that was set back by an image of last month, and for a look behind. */
const KEEP_COMMANDS = '90d';

/**
 * Reads a rule such as `90d`, `30d workflow=checkout`, `7d tag=site=oslo` or
 * `forever workflow=payroll`.
 *
 * @throws HF_USAGE
 */
export function readRule(text: string): RetentionRule {
  const [keep = '', ...about] = text.trim().split(/\s+/);
  let rule: RetentionRule = { workflow: undefined, tag: undefined, keepMs: keepOf(keep, text) };
  for (const part of about) {
    const [name, value = '', ...rest] = part.split('=');
    if (name === 'workflow' && value !== '' && rest.length === 0) {
      rule = { ...rule, workflow: value };
    } else if (name === 'tag' && value !== '' && rest.length > 0) {
      rule = { ...rule, tag: { name: value, value: rest.join('=') } };
    } else throw unreadable(text, `${part} is not workflow=NAME or tag=NAME=VALUE`);
  }
  return rule;
}

function keepOf(keep: Duration, text: string): number {
  if (keep === 'forever') return Number.POSITIVE_INFINITY;
  let keepMs: number;
  try {
    keepMs = durationMs(keep);
  } catch (error) {
    throw unreadable(text, messageOf(error));
  }
  if (keepMs >= KEEP_MS_MIN) return keepMs;
  throw unreadable(text, 'it keeps things for less than a minute');
}

function unreadable(text: string, why: string): HoldfastError {
  return new HoldfastError('HF_USAGE', { why: `the rule ${JSON.stringify(text)}: ${why}` });
}

/**
 * How long commands are kept once they are answered, such as `90d`, or `forever`.
 *
 * @throws HF_USAGE
 */
export function readKeepCommands(keep: Duration = KEEP_COMMANDS): number {
  return keepOf(keep, String(keep));
}

/** Says of a workflow how long its runs are kept; of none, how long other entries are. */
export type Keeps = (workflow: string | undefined) => number;

/**
 * What holds for a device: of the rules that fit, the one that says most of what it is about; of
 * two such, the one that was given last.
 */
export function keepsOf(rules: readonly RetentionRule[], tags: readonly Tag[]): Keeps {
  const fitting = rules.filter(({ tag }) => tag === undefined || hasTag(tags, tag));
  return (workflow) => {
    let [best, weight] = [Number.POSITIVE_INFINITY, -1];
    for (const rule of fitting) {
      if (rule.workflow !== undefined && rule.workflow !== workflow) continue;
      const own = (rule.workflow === undefined ? 0 : 2) + (rule.tag === undefined ? 0 : 1);
      if (own >= weight) [best, weight] = [rule.keepMs, own];
    }
    return best;
  };
}

function hasTag(tags: readonly Tag[], { name, value }: Tag): boolean {
  return tags.some((tag) => tag.name === name && tag.value === value);
}
