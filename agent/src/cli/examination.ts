import { existsSync } from 'node:fs';
import {
  brokerProfileNames,
  HoldfastError,
  messageOf,
  mqttVersions,
} from '@holdfast/protocol/base';
import type { Command } from 'commander';
import { failed, found, type Finding } from '../core/finding.ts';
import type { AgentReader } from '../core/surface.ts';
import type { Patient } from '../doctor.ts';
import { brokerAccess, proxyAccess } from './broker-access.ts';
import { contextTarget } from './context-target.ts';
import { codeFindings } from './doctor-code.ts';
import { runOptions } from './run-options.ts';
import { checkNeeded, findSettings, type FoundSettings } from './settings.ts';
import type { Shell } from './shell.ts';
import { storeKeyFile } from './store-key-option.ts';
import { INSTALLED, readAgent, resolveTarget, type TargetFlags } from './target.ts';

/** What can be looked at, in the order in which it is told. */
export const checkNames = [
  ...['config', 'agent', 'service', 'store', 'disk', 'power', 'clock', 'uplink', 'certificate'],
  ...['versions', 'runs', 'code'],
] as const;
export type CheckName = (typeof checkNames)[number];

export interface ExaminationFlags extends TargetFlags {
  readonly config?: string;
  /** Default: all of them. */
  readonly checks?: readonly CheckName[];
}

/** What is found of the device that is named. @param command Where its settings are given. */
export async function examination(
  shell: Shell,
  flags: ExaminationFlags,
  command: Command,
): Promise<readonly Finding[]> {
  const { checks = checkNames } = flags;
  const isWanted = (check: string) => checks.some((each) => each === check);
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
  const target = contextTarget(targetOf(flags, settings), shell.env);
  const withCode = isWanted('code') ? settings : undefined;
  const place = await attempt('agent', async () => resolveTarget(target, shell.env));
  const seen = place && (await attempt('agent', () => ask(shell, target, withCode)));
  const access = await attempt('config', () => uplinkOf(settings));
  const { examine } = await import('../doctor.ts');
  const patient: Patient = {
    ...{ status: seen?.status, stuck: seen?.stuck ?? [], dataDir: place?.dataDir },
    ...{ storeKey: storeKeyFile(target, shell.env), uplink: access, nowMs: shell.nowMs() },
    isInstalled: place?.dataDir === INSTALLED.dataDir || place?.socket === INSTALLED.socket,
    proxy: await attempt('config', () => proxyOf(settings)),
  };
  // Of an agent that runs, its runs are held against the code beside all else.
  const code = seen && attempt('code', seen.code);
  const findings = [own, ...(await Promise.all([examine(patient, isWanted), code]))];
  // What stops a check is told, though it is of another one.
  const isOther = ({ check, level }: Finding) =>
    level !== 'failure' && checkNames.some((each) => each === check && !isWanted(each));
  return withoutRepeats(findings.flatMap((each) => each ?? [])).filter((each) => !isOther(each));
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
  const { socket: given, dataDir: directory, context } = flags;
  if ([given, directory, context].some((each) => each !== undefined)) return flags;
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

interface Seen extends Pick<Patient, 'status' | 'stuck'> {
  /** Whether runs fit the code. */
  readonly code: () => Promise<readonly Finding[]>;
}

function ask(
  shell: Shell,
  target: TargetFlags,
  settings: FoundSettings | undefined,
): Promise<Seen> {
  return readAgent(shell, target, async (agent) => {
    const { CHECK_MS_MAX, inTime } = await import('../doctor.ts');
    const status = await inTime(agent.status(), CHECK_MS_MAX, () => {
      const why = `it has not answered within ${CHECK_MS_MAX / 1_000} s`;
      throw new HoldfastError('HF_AGENT_UNREACHABLE', { why });
    });
    const { runs } = await agent.runs({ states: ['stuck'], limit: STUCK_SHOWN });
    const told = { status, stuck: runs };
    if (status.agent.running) {
      const again = () => readAgent(shell, target, (running) => fit(settings, running));
      return { ...told, code: again };
    }
    // Its store can be read by one at a time.
    const code = await fit(settings, agent);
    return { ...told, code: async () => code };
  });
}

async function fit(
  settings: FoundSettings | undefined,
  agent: AgentReader,
): Promise<readonly Finding[]> {
  const { CHECK_MS_MAX, inTime, tookTooLong } = await import('../doctor.ts');
  const work = codeFindings(settings, agent).catch((error: unknown) => [
    failed('code', asProblem(error)),
  ]);
  return inTime<readonly Finding[]>(work, CHECK_MS_MAX, () => [tookTooLong('code')]);
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
  const proxy = await proxyOf(settings);
  // A word that is none was told of with the settings.
  const brokerProfile = brokerProfileNames.find((each) => each === named('broker-profile'));
  const mqttVersion = mqttVersions.find((each) => each === named('mqtt-version'));
  return {
    url,
    ...(brokerProfile === undefined ? {} : { brokerProfile }),
    ...(mqttVersion === undefined ? {} : { mqttVersion }),
    ...(await brokerAccess(Object.fromEntries(files))),
    ...(proxy === undefined ? {} : { proxy }),
  };
}

async function proxyOf(settings: FoundSettings | undefined): Promise<Patient['proxy']> {
  const named = (name: string) => settings?.get(name)?.value;
  const [url, file] = [named('proxy'), named('proxy-password-file')];
  if (url === undefined) return undefined;
  return (await proxyAccess({ proxy: url, ...(file && { proxyPasswordFile: file }) })).proxy;
}
