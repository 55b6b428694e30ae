import { execFile } from 'node:child_process';
import { formatBytes, formatDuration } from '@holdfast/protocol';
import { found, type Finding } from '../../core/finding.ts';
import { CHECK_MS_OWN } from './check-time.ts';

const CHECK = 'service';
const UNIT = 'holdfast.service';
const names = [
  ...['LoadState', 'ActiveState', 'SubState', 'Result', 'UnitFileState', 'MainPID', 'NRestarts'],
  ...['ExecMainStatus', 'WatchdogTimestampMonotonic', 'MemoryCurrent', 'MemoryMax'],
];
const LOG_HINT = 'Why, it says itself: journalctl -u holdfast -n 50';
/** The agent ends with it when its settings are wrong. */
const BAD_SETTINGS = '78';

export interface ServiceOf {
  /** Of the agent that answers; `null`: none does. */
  readonly pid: number | null;
  /** It is the agent of the package, also when it does not run. */
  readonly isInstalled: boolean;
}

/**
 * What systemd says of the agent; empty: it is not under its care.
 *
 * @param program Whom to ask.
 */
export async function checkService(
  { pid, isInstalled }: ServiceOf,
  program = 'systemctl',
): Promise<readonly Finding[]> {
  const unit = await shownUnit(program);
  const isOurs = isInstalled || (pid !== null && unit.get('MainPID') === String(pid));
  if (unit.get('LoadState') !== 'loaded' || !isOurs) return [];
  return [state(unit), ...atBoot(unit)];
}

type Unit = ReadonlyMap<string, string>;

/** Its properties; empty where there is no systemd. */
function shownUnit(program: string): Promise<Unit> {
  return new Promise((resolve) => {
    const args = ['show', UNIT, '--property', names.join(',')];
    execFile(program, args, { timeout: CHECK_MS_OWN }, (error, stdout) => {
      const lines = error === null ? stdout.split('\n') : [];
      resolve(new Map(lines.map((line) => [line.split('=', 1)[0] ?? '', valueIn(line)])));
    });
  });
}

function valueIn(line: string): string {
  return line.slice(line.indexOf('=') + 1);
}

function state(unit: Unit): Finding {
  const of = (name: string): string => unit.get(name) ?? '';
  const named = `${of('ActiveState')} (${of('SubState')})`;
  if (of('ActiveState') === 'active') return found(CHECK, 'ok', [named, ...facts(unit)].join(', '));
  if (of('ExecMainStatus') === BAD_SETTINGS && of('ActiveState') === 'failed') {
    const hint = 'Look at the line of config; then: sudo systemctl restart holdfast';
    return found(CHECK, 'failure', `${named}: its settings are wrong`, hint);
  }
  if (of('ActiveState') === 'inactive') {
    return found(CHECK, 'failure', `${named}: it is stopped`, 'sudo systemctl start holdfast');
  }
  const again = of('NRestarts') === '0' ? '' : `, started again ${of('NRestarts')} times`;
  return found(CHECK, 'failure', `${named}: ${of('Result')}${again}`, LOG_HINT);
}

/** Its sign of life and its memory, as far as they are known. */
function facts(unit: Unit): readonly string[] {
  const number = (name: string): number => Number(unit.get(name) || Number.NaN);
  // Both are of the clock that no time service sets.
  const [nowUs, fedUs] = [process.hrtime.bigint() / 1_000n, number('WatchdogTimestampMonotonic')];
  const agoMs = (Number(nowUs) - fedUs) / 1_000;
  const [used, most] = [number('MemoryCurrent'), number('MemoryMax')];
  const bound = Number.isFinite(most) ? ` of at most ${formatBytes(most)}` : '';
  return [
    ...(fedUs > 0 && agoMs >= 0 ? [`sign of life ${formatDuration(agoMs)} ago`] : []),
    ...(Number.isFinite(used) ? [`memory ${formatBytes(used)}${bound}`] : []),
  ];
}

function atBoot(unit: Unit): readonly Finding[] {
  if (unit.get('UnitFileState') !== 'disabled') return [];
  const text = 'it does not start with the machine';
  return [found(CHECK, 'warning', text, 'sudo systemctl enable holdfast')];
}
