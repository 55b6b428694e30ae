import { spawn } from 'node:child_process';
import { formatCount, messageOf, type Log } from '@holdfast/protocol';
import type { StatusView } from '../core/views.ts';
import type { Shell } from './shell.ts';

/** systemd, where it started this process and wants to hear from it. */
export interface Systemd {
  /** Says that the agent runs, and from then on, as often as is asked for, that it still does. */
  ready(status: () => Promise<StatusView>): Promise<void>;
  /** Says that the agent closes. */
  stopping(): Promise<void>;
}

const nobody: Systemd = {
  ready: () => Promise.resolve(),
  stopping: () => Promise.resolve(),
};

/** Without a watchdog, only the line that `systemctl status` shows is kept up. */
const STATUS_MS = 60_000;

/**
 * Whom to tell how the agent is. Its sign of life is sent only after the agent has answered a
 * question about itself: one that hangs is started anew. A link that is down or a disk that is full
 * is no reason for that.
 */
export function tellSystemd(env: Shell['env'], log: Log): Systemd {
  if (!env['NOTIFY_SOCKET']) return nobody;
  const watchdogMs = Number(env['WATCHDOG_USEC'] ?? 0) / 1_000;
  const everyMs = watchdogMs > 0 ? Math.max(100, watchdogMs / 3) : STATUS_MS;
  let timer: NodeJS.Timeout | undefined;
  const tell = async (...facts: readonly string[]): Promise<void> => {
    const failure = await notify(facts);
    if (failure !== undefined) log.error('systemd is not told', { why: failure });
  };
  return {
    async ready(status) {
      await tell('READY=1', statusFact(await status()));
      const sign = async () => {
        await tell('WATCHDOG=1', statusFact(await status()));
        timer?.refresh();
      };
      timer = setTimeout(() => {
        sign().catch((error: unknown) => log.error('no sign of life', { why: messageOf(error) }));
      }, everyMs);
      timer.unref();
    },
    async stopping() {
      clearTimeout(timer);
      timer = undefined;
      await tell('STOPPING=1');
    },
  };
}

/** How the device is, in a line. */
function statusFact({ link, backlog, runs }: StatusView): string {
  const pending = `${formatCount(backlog.pending)} pending`;
  return `STATUS=${link.state}, ${pending}, ${formatCount(runs.stuck ?? 0)} stuck`;
}

/** Node has no datagrams over Unix sockets; the program of systemd's does. @returns What failed. */
function notify(facts: readonly string[]): Promise<string | undefined> {
  return new Promise((resolve) => {
    const child = spawn('systemd-notify', facts, { stdio: ['ignore', 'ignore', 'pipe'] });
    let said = '';
    child.stderr.on('data', (chunk: Buffer) => (said += chunk.toString()));
    child.on('error', (error) => resolve(messageOf(error)));
    child.on('close', (code) => resolve(code === 0 ? undefined : said.trim() || `code ${code}`));
  });
}
