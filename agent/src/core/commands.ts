import { decodeValue, type Command } from '@holdfast/protocol';
import type { DeviceTime } from './device-time.ts';
import type { Journal } from './journal.ts';
import type { Run } from './run.ts';
import type { RunJournal } from './run-journal.ts';
import { layout } from './run-store.ts';
import type { Tracing } from './tracing.ts';

/** What applying a command asks of the runtime. */
export interface CommandHost {
  /** The run with this id, if it has not ended. */
  runOf(id: string): Promise<Run | undefined>;
  nowMs(): number;
  appendToRun: RunJournal['append'];
  append: Journal['append'];
  /** The outcome of a call is durable. */
  callEnded: Tracing['callEnded'];
}

/**
 * Whether it can be known if a command is late. One that cannot be judged is left: it comes again,
 * and the gateway has told the time by then.
 */
export function canJudge(time: DeviceTime, { expiresAtMs }: Command): boolean {
  return expiresAtMs === 0 || time.source === 'gateway';
}

/** A commit that has its place in the journal; `durable` resolves once it is on stable storage. */
export interface Applied {
  readonly durable: Promise<unknown>;
}

/**
 * Applies a command: its effect, its receipt and its number are one commit. The receipt goes up
 * the urgent lane.
 */
export async function applyCommand(host: CommandHost, command: Command): Promise<Applied> {
  const ops = [layout.meta('command', command.number)];
  const refused = (outcome: 'expired' | 'rejected', reason: string): Applied => {
    const { number, key } = command;
    const body = { kind: 'command.receipt', command: number, outcome, reason, key } as const;
    return { durable: host.append([{ lane: 'urgent', body }], () => ops) };
  };
  if (command.expiresAtMs > 0 && host.nowMs() > command.expiresAtMs) {
    return refused('expired', 'it came after its time');
  }
  const run = await host.runOf(command.run);
  if (run === undefined) return refused('rejected', 'its run has ended');
  if (!run.progress.awaitsCall(command.op, command.key)) {
    return refused('rejected', 'its call is not waited for any more');
  }
  const { op, number, payload } = command;
  const call = run.progress.call(op) ?? { name: '', atMs: host.nowMs() };
  const common = { op, name: call.name, command: number } as const;
  const body =
    command.kind === 'call.completed'
      ? ({ kind: 'call.completed', ...common, result: payload } as const)
      : ({ kind: 'call.failed', ...common, error: payload } as const);
  const timer = { op, due: undefined };
  const appended = host.appendToRun(run, body, { lane: 'urgent', timer, ops });
  const failure = command.kind === 'call.failed' ? { error: decodeValue(payload) } : {};
  return { durable: appended.then(() => host.callEnded(run, op, { ...call, ...failure })) };
}
