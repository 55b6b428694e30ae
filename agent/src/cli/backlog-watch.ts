import { setTimeout as pause } from 'node:timers/promises';
import { codeOf, formatCount, formatDuration } from '@holdfast/protocol/base';
import type { BacklogView } from '../core/views.ts';
import type { AgentReader } from '../core/surface.ts';
import { backlogScreen, watchScreen, type Watched } from './backlog-screen.ts';
import type { Format } from './output-format.ts';
import type { Shell } from './shell.ts';

export interface WatchOptions {
  readonly intervalMs: number;
  /** Resolve once nothing is pending; else watch until interrupted. */
  readonly untilSynced: boolean;
  /** Default: a screen for a person on a terminal, lines of JSON for a pipe. */
  readonly output: Format | undefined;
}

/**
 * Looks at the backlog again and again. An agent that goes away after the first look is waited
 * for: restarting is part of its life.
 *
 * @throws HF_AGENT_UNREACHABLE when none answers the first time.
 */
export async function watchBacklog(
  agent: AgentReader,
  shell: Shell,
  options: WatchOptions,
): Promise<void> {
  const show = shower(shell, options.output);
  let watched: Watched | undefined;
  for (;;) {
    const view = await look(agent, watched !== undefined);
    if (view === undefined) {
      show.away();
    } else {
      watched = {
        first: watched?.first ?? view,
        previous: watched?.previous ?? view,
        pendingMax: Math.max(watched?.pendingMax ?? 0, view.pending),
      };
      show.view(view, watched);
      if (options.untilSynced && view.pending === 0) {
        show.end();
        shell.say(amountText(watched.first, view));
        return;
      }
      watched = { ...watched, previous: view };
    }
    await pause(options.intervalMs);
  }
}

async function look(agent: AgentReader, mayBeAway: boolean): Promise<BacklogView | undefined> {
  try {
    return await agent.backlog();
  } catch (error) {
    if (mayBeAway && codeOf(error) === 'HF_AGENT_UNREACHABLE') return undefined;
    throw error;
  }
}

interface Shower {
  view(view: BacklogView, watched: Watched): void;
  away(): void;
  end(): void;
}

const AWAY = 'No agent answers; looking again.';

function shower(shell: Shell, output: Format | undefined): Shower {
  if (output === undefined && shell.isTerminal) return screenShower(shell);
  let isAway = false;
  const isText = output === 'text';
  return {
    view(view) {
      isAway = false;
      shell.print(isText ? `${view.at} ${firstLine(view, shell)}` : JSON.stringify(view));
    },
    away() {
      if (!isAway) shell.say(AWAY);
      isAway = true;
    },
    end: () => undefined,
  };
}

function firstLine(view: BacklogView, shell: Shell): string {
  return backlogScreen(view, shell).split('\n', 1)[0] ?? '';
}

const ENTER = '\u001b[?1049h\u001b[?25l';
const LEAVE = '\u001b[?25h\u001b[?1049l';
/** Draws over what was there, so that nothing flickers; what is left of it is cleared behind. */
const HOME = '\u001b[H';
const CLEAR_LINE = '\u001b[K';
const CLEAR_BELOW = '\u001b[J';

/** A screen of its own, so that what was on the terminal is there again afterwards. */
function screenShower(shell: Shell): Shower {
  let last = '';
  const draw = (text: string) => {
    const lines = text.split('\n').join(`${CLEAR_LINE}\n`);
    shell.write(`${HOME}${lines}${CLEAR_LINE}\n${CLEAR_BELOW}`);
  };
  const leave = () => shell.write(LEAVE);
  shell.write(ENTER);
  process.once('exit', leave);
  return {
    view(view, watched) {
      last = watchScreen(view, watched, shell);
      draw(`${last}\n\nCtrl-C ends.`);
    },
    away: () => draw(`${last}\n\n${AWAY}`),
    end() {
      process.off('exit', leave);
      leave();
      shell.print(last);
    },
  };
}

function amountText(first: BacklogView, last: BacklogView): string {
  const acked = (view: BacklogView) => view.lanes.reduce((sum, lane) => sum + lane.acked, 0);
  const took = formatDuration(Date.parse(last.at) - Date.parse(first.at));
  return `Synced: ${formatCount(acked(last) - acked(first))} entries in ${took}.`;
}
