import { formatCount, formatDuration } from '@holdfast/protocol/base';
import type { AgentReader } from '../core/surface.ts';
import type { BacklogView } from '../core/views.ts';
import { backlogScreen, watchScreen, type Watched } from './backlog-screen.ts';
import type { Shell } from './shell.ts';
import type { Watch } from './watch.ts';

/** The backlog with its progress; with `untilSynced` it ends once nothing is pending. */
export function backlogWatch(
  agent: Pick<AgentReader, 'backlog'>,
  shell: Shell,
  { untilSynced }: { readonly untilSynced: boolean },
): Watch<BacklogView> {
  let watched: Watched | undefined;
  let last: BacklogView | undefined;
  return {
    async read() {
      const view = await agent.backlog();
      watched = {
        first: watched?.first ?? view,
        previous: last ?? view,
        pendingMax: Math.max(watched?.pendingMax ?? 0, view.pending),
      };
      last = view;
      return view;
    },
    screen: (view) => (watched === undefined ? '' : watchScreen(view, watched, shell)),
    line: (view) => `${view.at} ${backlogScreen(view, shell).split('\n', 1)[0] ?? ''}`,
    ended(view) {
      if (!untilSynced || view.pending > 0) return undefined;
      return amountText(watched?.first ?? view, view);
    },
  };
}

function amountText(first: BacklogView, last: BacklogView): string {
  const acked = (view: BacklogView) => view.lanes.reduce((sum, lane) => sum + lane.acked, 0);
  const took = formatDuration(Date.parse(last.at) - Date.parse(first.at));
  return `Synced: ${formatCount(acked(last) - acked(first))} entries in ${took}.`;
}
