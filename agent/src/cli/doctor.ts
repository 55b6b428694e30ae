import {
  Exit,
  HoldfastError,
  paint,
  printable,
  wrapLine,
  type Tone,
} from '@holdfast/protocol/base';
import { Argument, type Command } from 'commander';
import type { Finding } from '../core/finding.ts';
import { endWithoutCode } from './doctor-code.ts';
import { checkNames, examination, type CheckName, type ExaminationFlags } from './examination.ts';
import { formatOption, type Format } from './output-format.ts';
import type { Shell } from './shell.ts';
import { addTarget } from './target.ts';

interface Flags extends Omit<ExaminationFlags, 'checks'> {
  readonly output: Format;
  readonly code?: string;
  readonly strict?: true;
}

const about = `
Looks at the settings, the agent and what systemd says of it, its store, the disk, how the agent
before ended, the clock, the way to the gateway stage by stage and what its broker takes,
certificates, versions, runs that are stuck, and whether runs that are open fit the code. All at
once, and none for longer than 5 s. Writes nothing but a small file to time the disk, which it
deletes. With the agent stopped it also connects to the broker, as this device, and has the gateway
answer; neither keeps anything of it.

The code is loaded, and executes no step. With --code, open runs are held against another file:
whether they can go on with it, before it is put in place.

Exit code 8 when something is wrong; with --strict, also for a warning.

Examples:
  holdfast doctor --config /etc/holdfast/agent.toml
  holdfast doctor uplink
  holdfast doctor code --code ./new-flows.js
  holdfast doctor --data-dir ./data -o json
`;

export function addDoctor(program: Command, shell: Shell): void {
  addTarget(program.command('doctor'))
    .description('Find out what is wrong with this device, and what to do.')
    .addArgument(new Argument('[checks...]', 'only these').choices(checkNames))
    .option('--config <file>', 'the settings of its agent (HOLDFAST_CONFIG)')
    .option('--code <file>', 'what open runs are to fit; default: what the settings say')
    .option('--strict', 'a warning counts as wrong')
    .addOption(formatOption())
    .addHelpText('after', about)
    .action(async (names: readonly CheckName[], flags: Flags, self: Command) => {
      if (flags.code !== undefined && names.length > 0 && !names.includes('code')) {
        const why = `--code is for the check code, and only ${names.join(', ')} is asked for`;
        throw new HoldfastError('HF_USAGE', { why });
      }
      const asked = names.length === 0 ? {} : { checks: names };
      const findings = await examination(shell, { ...flags, ...asked }, self);
      const view = summary(findings);
      shell.print(flags.output === 'json' ? JSON.stringify(view) : screen(view, shell));
      const isWrong = view.failures > 0 || (flags.strict === true && view.warnings > 0);
      if (isWrong) process.exitCode = Exit.findings;
      endWithoutCode();
    });
}

interface DoctorView {
  readonly schema: 'holdfast.doctor/1';
  readonly ok: number;
  readonly warnings: number;
  readonly failures: number;
  readonly skipped: number;
  readonly findings: readonly Finding[];
}

function summary(findings: readonly Finding[]): DoctorView {
  const count = (level: Finding['level']) => findings.filter((each) => each.level === level).length;
  return {
    schema: 'holdfast.doctor/1',
    ...{ ok: count('ok'), warnings: count('warning'), failures: count('failure') },
    ...{ skipped: count('skipped'), findings },
  };
}

const signs: Readonly<Record<Finding['level'], readonly [sign: string, tone: Tone]>> = {
  ok: ['✓', 'green'],
  warning: ['!', 'yellow'],
  failure: ['✗', 'red'],
  skipped: ['-', 'dim'],
};

/** Behind the name of a check. */
const HINT_COLUMN = 15;

function many(count: number, what: string): string {
  return `${count} ${what}${count === 1 ? '' : 's'}`;
}

function screen(view: DoctorView, { color, width }: Shell): string {
  const lines = view.findings.flatMap(({ check, level, text, hint, code }) => {
    const [sign, tone] = signs[level];
    const named = code === undefined || text.includes(code) ? '' : ` (${code})`;
    const line = ` ${check.padEnd(11)} ${paint(sign, tone, color)} ${printable(text)}${named}`;
    const isCalm = level === 'ok' || hint === undefined;
    const told = isCalm ? [line] : [line, `${' '.repeat(HINT_COLUMN)}hint: ${printable(hint)}`];
    return told.map((each) => wrapLine(each, width, HINT_COLUMN));
  });
  const { ok, warnings, failures } = view;
  return [...lines, `${ok} ok, ${many(warnings, 'warning')}, ${many(failures, 'failure')}`].join(
    '\n',
  );
}
