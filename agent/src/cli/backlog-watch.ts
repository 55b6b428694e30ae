import { formatCount, formatDuration } from '@holdfast/protocol/base';
import type { AgentReader } from '../core/surface.ts';
import type { BacklogView, JournalRow } from '../core/views.ts';
import { sentence } from './backlog-screen.ts';
import { clockText, watchScreen, type Watched } from './backlog-watch-screen.ts';
import { linkSign } from './link-line.ts';
import type { Shell } from './shell.ts';
import type { Watch } from './watch.ts';

type Agent = Pick<AgentReader, 'backlog' | 'journal'>;

/** Rates are over so many looks: of one alone they jump. */
const LOOKS_MAX = 10;
/** A quarter of an hour, and wider than a terminal. */
const READINGS_MAX = 900;

/** The backlog with its progress; with `untilSynced` it ends once nothing is pending. */
export function backlogWatch(
  agent: Agent,
  shell: Shell,
  { untilSynced }: { readonly untilSynced: boolean },
): Watch<BacklogView> {
  let first: BacklogView | undefined;
  let watched: Watched = {
    ...{ looks: [], readings: [], pendingMax: 0, sending: undefined, isByWorkflow: false },
  };
  return {
    async read() {
      const view = await agent.backlog({ parts: watched.isByWorkflow });
      const sending = await sendingOf(agent, view);
      first ??= view;
      watched = {
        ...{ ...watched, sending, pendingMax: Math.max(watched.pendingMax, view.pending) },
        looks: [...watched.looks, view].slice(-LOOKS_MAX),
        readings: [...watched.readings, { atMs: Date.parse(view.at), pending: view.pending }].slice(
          -READINGS_MAX,
        ),
      };
      return view;
    },
    screen: (view) => watchScreen(view, watched, { ...shell, width: process.stdout.columns }),
    line: (view) => `${view.at} ${linkSign(view.link, shell)}: ${sentence(view)}.`,
    keys: 'w by workflow',
    press(key) {
      if (key !== 'w') return false;
      watched = { ...watched, isByWorkflow: !watched.isByWorkflow };
      return true;
    },
    ended(view) {
      if (!untilSynced || view.pending > 0) return undefined;
      return amountText(first ?? view, view);
    },
  };
}

/** The newest entry that is on its way; `undefined`: none is, or it is gone already. */
async function sendingOf(agent: Agent, { lanes }: BacklogView): Promise<JournalRow | undefined> {
  const flow = lanes.find(({ sent, acked }) => sent > acked);
  if (flow === undefined) return undefined;
  const { lane, sent } = flow;
  const { rows } = await agent.journal({ lane, after: sent - 1, limit: 1 });
  return rows[0];
}

function amountText(first: BacklogView, last: BacklogView): string {
  const acked = (view: BacklogView) => view.lanes.reduce((sum, lane) => sum + lane.acked, 0);
  const took = formatDuration(Date.parse(last.at) - Date.parse(first.at));
  const entries = formatCount(acked(last) - acked(first));
  return `synced at ${clockText(last.at)}: ${entries} entries in ${took}`;
}
