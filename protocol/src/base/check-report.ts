import { HoldfastError } from './errors.ts';
import { gauge, metricsText, type Tallied } from './metric.ts';
import { printable } from './terminal.ts';

/** The states of a check, as monitoring systems number them. */
export const checkLevels = ['OK', 'WARNING', 'CRITICAL', 'UNKNOWN'] as const;
export type CheckLevel = (typeof checkLevels)[number];

/** From where on somebody is to be told of a number; `undefined`: never. */
export interface CheckLimit {
  readonly warn: number | undefined;
  readonly critical: number | undefined;
}

/** A number that was looked at. */
export interface CheckValue extends CheckLimit {
  readonly name: string;
  readonly value: number;
  readonly unit: '' | 's' | 'B' | '%';
  /** Below its limits it is too little. Default: above them it is too much. */
  readonly isLeast?: boolean;
}

/** What was found of one subject. */
export interface CheckResult {
  readonly subject: string;
  readonly level: CheckLevel;
  /** In a few words. */
  readonly text: string;
  readonly values: readonly CheckValue[];
}

/** How a check is told: to Nagios and its kin, to programs, to Prometheus, or to a person. */
export const checkForms = ['nagios', 'json', 'prometheus', 'text'] as const;
export type CheckForm = (typeof checkForms)[number];

export const noLimit: CheckLimit = { warn: undefined, critical: undefined };

/** The names of the two options that give a limit. */
interface LimitNames {
  readonly warn: string;
  readonly critical: string;
}

/**
 * A limit as it was given. Without `warn`, half of what is critical is worth a warning; where less
 * is worse, twice of it.
 *
 * @throws HF_USAGE when the warning would come after what it warns of.
 */
export function checkLimit(
  { warn, critical }: CheckLimit,
  names: LimitNames,
  isLeast = false,
): CheckLimit {
  if (critical === undefined) return { warn, critical };
  if (warn === undefined) return { warn: isLeast ? critical * 2 : critical / 2, critical };
  if (isLeast ? warn >= critical : warn <= critical) return { warn, critical };
  const beyond = `${names.warn} is beyond ${names.critical}`;
  throw new HoldfastError('HF_USAGE', { why: `${beyond}: nothing would ever be a mere warning` });
}

/** What a number is worth by its limits. */
export function valueLevel({ value, warn, critical, isLeast = false }: CheckValue): CheckLevel {
  const isBeyond = (limit: number | undefined): boolean =>
    limit !== undefined && (isLeast ? value < limit : value > limit);
  if (isBeyond(critical)) return 'CRITICAL';
  return isBeyond(warn) ? 'WARNING' : 'OK';
}

/** The worst of them; of none, `OK`. */
function worstLevel(levels: readonly CheckLevel[]): CheckLevel {
  const worst = Math.max(0, ...levels.map((level) => checkLevels.indexOf(level)));
  return checkLevels[worst] ?? 'UNKNOWN';
}

/** What was found of a subject. */
export interface CheckLook {
  readonly text: string;
  readonly values: readonly CheckValue[];
  /** What there is besides numbers. */
  readonly levels?: readonly CheckLevel[];
}

/** A result for each subject, as bad as the worst that was found of it. */
export function checkResults<S extends string>(
  subjects: readonly S[],
  lookAt: (subject: S) => CheckLook,
): readonly CheckResult[] {
  return subjects.map((subject) => {
    const { text, values, levels = [] } = lookAt(subject);
    const all = [...values.map((value) => valueLevel(value)), ...levels];
    return { subject, level: worstLevel(all), text, values };
  });
}

/** What is said of all of them: of those that are not well, or, if all are, of each. */
export function checkSummary(results: readonly CheckResult[]): {
  readonly level: CheckLevel;
  readonly text: string;
} {
  const level = worstLevel(results.map((result) => result.level));
  const ill = results.filter((result) => result.level !== 'OK');
  const told = ill.length === 0 ? results : ill;
  return { level, text: told.map(({ text }) => text).join('; ') };
}

/** The results in a form, without a final line end. `json`: fields that go before all others. */
export function checkText(
  results: readonly CheckResult[],
  { form, json }: { readonly form: CheckForm; readonly json: object },
): string {
  switch (form) {
    case 'nagios':
      return nagiosLine(results);
    case 'json':
      return JSON.stringify({ ...json, ...checkSummary(results), ...checkFields(results) });
    case 'prometheus':
      return prometheusText(results).trimEnd();
    case 'text':
      return results.map(personLine).join('\n');
  }
}

function checkFields(results: readonly CheckResult[]): object {
  const value = (each: CheckValue): object => {
    const { name, unit, isLeast = false } = each;
    const { warn = null, critical = null } = each;
    return { name, value: each.value, unit, warn, critical, isLeast };
  };
  return { checks: results.map((each) => ({ ...each, values: each.values.map(value) })) };
}

/** Behind the bar is what monitoring systems draw [Monitoring Plugins guidelines, 2.6]. */
function nagiosLine(results: readonly CheckResult[]): string {
  const { level, text } = checkSummary(results);
  const data = results.flatMap(({ values }) => values.map(perfData)).join(' ');
  // A bar in the text would be taken for the one before the data.
  const told = printable(text).replaceAll('|', '/');
  return `HOLDFAST ${level} - ${told}${data === '' ? '' : `|${data}`}`;
}

function perfData(each: CheckValue): string {
  const { name, value, unit, warn, critical, isLeast = false } = each;
  const limit = (at: number | undefined): string =>
    at === undefined ? '' : `${at}${isLeast ? ':' : ''}`;
  return `${name}=${value}${unit};${limit(warn)};${limit(critical)}`.replace(/;+$/, '');
}

function prometheusText(results: readonly CheckResult[]): string {
  const levels = results.map(({ subject, level }): Tallied => {
    return { labels: { subject }, value: checkLevels.indexOf(level) };
  });
  const all = results.flatMap(({ subject, values }) =>
    values.map((each) => ({ ...each, labels: { subject, name: each.name, unit: each.unit } })),
  );
  const limits = (of: 'warn' | 'critical'): Tallied[] =>
    all.flatMap(({ labels, [of]: value }) => (value === undefined ? [] : [{ labels, value }]));
  return metricsText([
    gauge('check_level', 'Of a subject: 0 ok, 1 warning, 2 critical, 3 unknown.', levels),
    gauge('check_value', 'What was looked at.', all),
    gauge('check_warn', 'From where on it is a warning.', limits('warn')),
    gauge('check_critical', 'From where on it is critical.', limits('critical')),
  ]);
}

const signs: Readonly<Record<CheckLevel, string>> = {
  OK: '✓',
  WARNING: '!',
  CRITICAL: '✗',
  UNKNOWN: '?',
};

function personLine({ subject, level, text }: CheckResult): string {
  const found = `${signs[level]} ${subject.padEnd(7)}  ${level.toLowerCase().padEnd(8)}`;
  return `${found}  ${printable(text)}`;
}
