import { setTimeout as pause } from 'node:timers/promises';
import {
  codeOf,
  durationMs,
  formatDuration,
  HoldfastError,
  printable,
  withProgress,
} from '@holdfast/protocol/base';
import type { Command } from 'commander';
import type { RunDetailView } from '../core/views.ts';
import { countEntries } from './link-line.ts';
import { formatOption, type Format } from './output-format.ts';
import { valueText } from './run-line.ts';
import type { Shell } from './shell.ts';
import type { SocketClient } from '../socket-client.ts';
import { addTarget, withAgent, withRun, type TargetFlags } from './target.ts';

interface Flags extends TargetFlags {
  readonly output: Format;
  readonly synced?: true;
  readonly connected?: true;
  readonly run?: string;
  readonly timeout?: string;
}

const about = `
Exits with 7 when the time is over, and with 1 when the run failed or was cancelled.

Examples:
  holdfast wait --synced --timeout 10m
  holdfast wait --connected --timeout 1m && echo online
  holdfast wait --run order-1009 -o json | jq .output
`;

export function addWait(program: Command, shell: Shell): void {
  addTarget(program.command('wait'))
    .description('Wait until a run has ended, the gateway has everything, or there is a link.')
    .option('--synced', 'until nothing is pending')
    .option('--connected', 'until there is a connection to the gateway')
    .option('--run <id>', 'until this run has ended')
    .option('--timeout <duration>', 'such as 30s or 10m; without it, as long as it takes')
    .addOption(formatOption())
    .addHelpText('after', about)
    .action(async (flags: Flags) => {
      const { run, synced, connected } = flags;
      if ([run, synced, connected].filter((each) => each !== undefined).length !== 1) {
        throw new HoldfastError('HF_USAGE', {
          why: 'give one of --synced, --connected and --run ID',
        });
      }
      const timeoutMs =
        flags.timeout === undefined ? Number.POSITIVE_INFINITY : durationMs(flags.timeout);
      if (synced === true) await waitSynced(shell, flags, timeoutMs);
      else if (run === undefined) await waitConnected(shell, flags, timeoutMs);
      else await waitRun(shell, flags, { run, timeoutMs });
    });
}

async function waitSynced(shell: Shell, flags: Flags, timeoutMs: number): Promise<void> {
  // A client asks one thing at a time: beside the one that waits, another one looks.
  const view = await withAgent(shell, flags, (agent) =>
    withAgent(shell, flags, (other) =>
      withProgress(shell.progress, { what: 'acknowledged' }, (to) =>
        whileTelling(other, to, () => agent.waitSynced(timeoutMs).catch(tellingWhatIsLeft(other))),
      ),
    ),
  );
  shell.print(
    flags.output === 'json' ? JSON.stringify(view) : '✓ synced: the gateway has everything',
  );
}

const CONNECTED_LOOK_MS = 250;

async function waitConnected(shell: Shell, flags: Flags, timeoutMs: number): Promise<void> {
  const view = await withAgent(shell, flags, async (agent) => {
    const endMs = performance.now() + timeoutMs;
    for (;;) {
      const { link, ...rest } = await agent.backlog();
      if (link.state === 'synced' || link.state === 'syncing') return { ...rest, link };
      if (performance.now() >= endMs) {
        const cause = link.problem === null ? '' : `: ${link.problem.message}`;
        throw new HoldfastError('HF_WAIT_TIMEOUT', { why: `the link is ${link.state}${cause}` });
      }
      await pause(CONNECTED_LOOK_MS);
    }
  });
  const text = `✓ connected to ${printable(view.link.gateway ?? 'the gateway')}`;
  shell.print(flags.output === 'json' ? JSON.stringify(view) : text);
}

/** Time is over: how far it is then. */
function tellingWhatIsLeft(agent: SocketClient) {
  return async (error: unknown): Promise<never> => {
    if (codeOf(error) !== 'HF_WAIT_TIMEOUT') throw error;
    const { pending, bytes, link } = await agent.backlog();
    const verb = pending === 1 ? 'is' : 'are';
    const why = `${countEntries(pending, bytes)} ${verb} pending, and the link is ${link.state}`;
    throw new HoldfastError('HF_WAIT_TIMEOUT', { why });
  };
}

const LOOK_EVERY_MS = 1_000;

/** Waits, and tells meanwhile how much of what was pending at first is acknowledged. */
async function whileTelling<T>(
  agent: SocketClient,
  to: (done: number, total: number) => void,
  wait: () => Promise<T>,
): Promise<T> {
  let most = 0;
  let isLooking = false;
  const look = async (): Promise<void> => {
    const { pending } = await agent.backlog();
    most = Math.max(most, pending);
    to(most - pending, most);
  };
  const timer = setInterval(() => {
    if (isLooking) return;
    isLooking = true;
    // Why it cannot be asked, the wait itself will tell.
    look()
      .catch(() => undefined)
      .finally(() => (isLooking = false));
  }, LOOK_EVERY_MS);
  try {
    return await wait();
  } finally {
    clearInterval(timer);
  }
}

async function waitRun(
  shell: Shell,
  flags: Flags,
  wait: { readonly run: string; readonly timeoutMs: number },
): Promise<void> {
  const view = await withAgent(shell, flags, (agent) =>
    withRun(agent, wait.run, async (id) => {
      try {
        return await agent.waitRun(id, wait.timeoutMs);
      } catch (error) {
        if (codeOf(error) !== 'HF_WAIT_TIMEOUT') throw error;
        const { state, waitsFor } = await agent.run(id);
        const until = waitsFor === null ? '' : `, and waits for ${waitsFor}`;
        throw new HoldfastError('HF_WAIT_TIMEOUT', { why: `${id} is ${state}${until}` });
      }
    }),
  );
  const isJson = flags.output === 'json';
  if (isJson) shell.print(JSON.stringify(view));
  if (view.state !== 'completed') throw failureOf(view);
  if (!isJson) shell.print(completedLine(view));
}

function completedLine(view: RunDetailView): string {
  const took = formatDuration(Date.parse(view.updatedAt) - Date.parse(view.startedAt));
  const output = view.output === undefined ? '' : `: ${valueText(view.output)}`;
  return `✓ ${valueText(view.id)} completed in ${took}${output}`;
}

function failureOf({ state, error, id }: RunDetailView): HoldfastError {
  const why = error === undefined ? `run ${id}` : `${error.name}: ${error.message}`;
  return new HoldfastError(state === 'cancelled' ? 'HF_RUN_CANCELLED' : 'HF_RUN_FAILED', { why });
}
