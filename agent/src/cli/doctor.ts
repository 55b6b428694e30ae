import { existsSync } from 'node:fs';
import {
  Exit,
  HoldfastError,
  messageOf,
  paint,
  printable,
  wrapLine,
  type Tone,
} from '@holdfast/protocol/base';
import type { Command } from 'commander';
import { failed, found, type Finding } from '../core/finding.ts';
import type { Patient } from '../doctor.ts';
import { brokerAccess } from './broker-access.ts';
import { formatOption, type Format } from './output-format.ts';
import { runOptions } from './run-options.ts';
import { checkNeeded, findSettings, type FoundSettings } from './settings.ts';
import type { Shell } from './shell.ts';
import { storeKeyFile } from './store-key-option.ts';
import { addTarget, INSTALLED, readAgent, resolveTarget, type TargetFlags } from './target.ts';

interface Flags extends TargetFlags {
  readonly output: Format;
  readonly config?: string;
  readonly strict?: true;
}

const about = `
Looks at the settings, the agent, its store, the disk, the clock, the way to the gateway stage by
stage, certificates, and runs that are stuck. Writes nothing but a small file to time the disk,
which it deletes. With the agent stopped it also connects to the broker, as this device.

Exit code 8 when something is wrong; with --strict, also for a warning.

Examples:
  holdfast doctor --config /etc/holdfast/agent.toml
  holdfast doctor --data-dir ./data -o json
`;

export function addDoctor(program: Command, shell: Shell): void {
  addTarget(program.command('doctor'))
    .description('Find out what is wrong with this device, and what to do.')
    .option('--config <file>', 'the settings of its agent (HOLDFAST_CONFIG)')
    .option('--strict', 'a warning counts as wrong')
    .addOption(formatOption())
    .addHelpText('after', about)
    .action(async (flags: Flags, self: Command) => {
      const findings = await examination(shell, flags, self);
      const view = summary(findings);
      shell.print(flags.output === 'json' ? JSON.stringify(view) : screen(view, shell));
      const isWrong = view.failures > 0 || (flags.strict === true && view.warnings > 0);
      if (isWrong) process.exitCode = Exit.findings;
    });
}

/** What is found of the device that is named. @param command Where its settings are given. */
export async function examination(
  shell: Shell,
  flags: Omit<Flags, 'output' | 'strict'>,
  command: Command,
): Promise<readonly Finding[]> {
  const config = flags.config ?? (shell.env['HOLDFAST_CONFIG'] || installedConfig());
  if (config !== undefined) command.setOptionValue('config', config);
  const own: Finding[] = [];
  /** What cannot be found out is a finding too. */
  const attempt = async <T>(check: string, work: () => Promise<T>): Promise<T | undefined> => {
    try {
      return await work();
    } catch (error) {
      own.push(failed(check, asProblem(error)));
      return undefined;
    }
  };
  const settings = await attempt('config', () => findSettings(command));
  if (config !== undefined && settings !== undefined) {
    const isRight = await attempt('config', () => checkSettings(settings, shell));
    if (isRight) own.push(found('config', 'ok', `${config}: every setting is known`));
  }
  const target = targetOf(flags, settings);
  const seen = await attempt('agent', () => ask(shell, target));
  const access = await attempt('config', () => uplinkOf(settings));
  const { dataDir } = (await attempt('agent', async () => resolveTarget(target, shell.env))) ?? {};
  const { examine } = await import('../doctor.ts');
  const patient: Patient = {
    ...{ status: seen?.status, stuck: seen?.stuck ?? [], dataDir },
    ...{ storeKey: storeKeyFile(target, shell.env), uplink: access, nowMs: shell.nowMs() },
  };
  return withoutRepeats([...own, ...(await examine(patient))]);
}

/** One cause can stop several checks. */
function withoutRepeats(findings: readonly Finding[]): readonly Finding[] {
  const isFirst = ({ code, text }: Finding, at: number): boolean =>
    code === undefined || findings.findIndex((each) => each.text === text) === at;
  return findings.filter(isFirst);
}

function installedConfig(): string | undefined {
  return existsSync(INSTALLED.config) ? INSTALLED.config : undefined;
}

function asProblem(error: unknown): HoldfastError {
  if (error instanceof HoldfastError) return error;
  return new HoldfastError('HF_INTERNAL', { why: messageOf(error) });
}

async function checkSettings(settings: FoundSettings, shell: Shell): Promise<true> {
  checkNeeded(settings);
  runOptions(settings, {}, shell.env);
  return true;
}

/** The agent that is named, or the one that the settings are of. */
function targetOf(flags: TargetFlags, settings: FoundSettings | undefined): TargetFlags {
  if (flags.socket !== undefined || flags.dataDir !== undefined) return flags;
  const named = (name: string) => settings?.get(name)?.value;
  const [socket, dataDir, key] = [named('socket'), named('data-dir'), named('store-key-file')];
  return {
    ...(socket === undefined ? {} : { socket }),
    ...(dataDir === undefined ? {} : { dataDir }),
    ...(key === undefined ? {} : { storeKeyFile: key }),
  };
}

/** Runs that a screen has room for. */
const STUCK_SHOWN = 5;

async function ask(shell: Shell, target: TargetFlags): Promise<Pick<Patient, 'status' | 'stuck'>> {
  return readAgent(shell, target, async (agent) => {
    const status = await agent.status();
    const { runs } = await agent.runs({ states: ['stuck'], limit: STUCK_SHOWN });
    return { status, stuck: runs };
  });
}

async function uplinkOf(settings: FoundSettings | undefined): Promise<Patient['uplink']> {
  const named = (name: string) => settings?.get(name)?.value;
  const url = named('gateway');
  if (url === undefined) return undefined;
  const entries = { tlsCa: 'tls-ca', tlsCert: 'tls-cert', tlsKey: 'tls-key' } as const;
  const files = Object.entries({ ...entries, passwordFile: 'password-file' }).flatMap(
    ([field, name]) => {
      const path = named(name);
      return path === undefined ? [] : [[field, path]];
    },
  );
  return { url, ...(await brokerAccess(Object.fromEntries(files))) };
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
