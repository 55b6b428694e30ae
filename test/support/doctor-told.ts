import type { ExecutionContext } from 'ava';
import type { Finding } from '@holdfast/agent/internal';
import { holdfast, type CliOptions } from './holdfast-cli.ts';

export interface Told {
  readonly code: number | null;
  readonly findings: readonly Finding[];
}

/** What `holdfast doctor` says of a device, run as a person runs it. */
export async function doctor(args: readonly string[], options?: CliOptions): Promise<Told> {
  const { code, stdout, stderr } = await holdfast(['doctor', ...args, '-o', 'json'], options);
  if (stdout === '') throw new Error(stderr);
  const { findings } = JSON.parse(stdout) as { readonly findings: readonly Finding[] };
  return { code, findings };
}

/** What a check is to have found. */
export interface Named {
  readonly check: string;
  readonly text: RegExp;
  /** What is to be done about it. */
  readonly hint: RegExp;
  readonly code?: string;
  /** Default: `failure`, which the exit code tells of. */
  readonly level?: Finding['level'];
}

/** It was named as wrong, with what to do; the exit code is 8 where it is a failure. */
export function names(t: ExecutionContext, { code, findings }: Told, named: Named): void {
  const { check, text, hint, level = 'failure' } = named;
  const about = JSON.stringify(findings, undefined, 1);
  const found = findings.find((each) => each.check === check && text.test(each.text));
  t.is(found?.level, level, about);
  t.regex(found?.hint ?? '', hint, about);
  if (named.code !== undefined) t.is(found?.code, named.code, about);
  if (level === 'failure') t.is(code, 8, about);
}
