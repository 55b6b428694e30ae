import type { LogsView } from '../core/kept-log.ts';
import type { JournalView, RunDetailView, RunsView, RunView, StatusView } from '../core/views.ts';
import type { Key } from './live-screen.ts';

/** What is on the screen of `holdfast top`, and how keys change it. No I/O. */

export const tabs = ['overview', 'runs', 'journal', 'logs'] as const;
export type Tab = (typeof tabs)[number];

/** What the agent said at one moment. */
export interface Sample {
  readonly status: StatusView;
  readonly runs: RunsView;
  readonly journal: JournalView;
  readonly logs: LogsView;
  /** Of the run that is looked at. */
  readonly run: RunDetailView | undefined;
}

export type Order = 'age' | 'state' | 'workflow';

export interface TopState {
  readonly tab: Tab;
  readonly filter: string;
  /** A line that is being typed behind `/` or `:`. */
  readonly typing: { readonly sign: '/' | ':'; readonly text: string } | undefined;
  readonly order: Order;
  /** Position in the list of runs. */
  readonly selected: number;
  /** Id of the run that is looked at; `raw`: as JSON. */
  readonly shown: { readonly id: string; readonly raw: boolean } | undefined;
  /** Lines of it that are above the screen. */
  readonly scrolled: number;
  readonly hasHelp: boolean;
  readonly isPaused: boolean;
  readonly isOver: boolean;
}

export const firstState: TopState = {
  ...{ tab: 'overview', filter: '', typing: undefined, order: 'age', selected: 0 },
  ...{ shown: undefined, scrolled: 0, hasHelp: false, isPaused: false, isOver: false },
};

const orders: Readonly<Record<Key, Order>> = { A: 'age', S: 'state', W: 'workflow' };
const PAGE = 10;

/** The runs of a list as they are shown: those that the filter means, in order. */
export function shownRuns({ filter, order }: TopState, runs: readonly RunView[]): RunView[] {
  const isMeant = ({ id, workflow, state }: RunView) =>
    `${id} ${workflow} ${state}`.includes(filter);
  const key = (run: RunView) => (order === 'workflow' ? run.workflow : run.state);
  const meant = runs.filter(isMeant);
  return order === 'age' ? meant : meant.toSorted((a, b) => (key(a) < key(b) ? -1 : 1));
}

/** @param runs Those that are shown, for what is selected. */
export function press(state: TopState, key: Key, runs: readonly RunView[]): TopState {
  if (key === 'ctrl-c') return { ...state, isOver: true };
  if (state.typing !== undefined) return typed(state, state.typing, key);
  if (state.hasHelp) return { ...state, hasHelp: false };
  if (state.shown !== undefined) return pressInRun(state, state.shown, key);
  const tab = tabs[Number(key) - 1];
  if (tab !== undefined) return { ...state, tab, selected: 0 };
  const order = orders[key];
  if (order !== undefined) return { ...state, order };
  return pressInList(state, key, runs);
}

function pressInList(state: TopState, key: Key, runs: readonly RunView[]): TopState {
  const move = (by: number): TopState => {
    const selected = Math.max(0, Math.min(runs.length - 1, state.selected + by));
    return { ...state, selected };
  };
  const open = (raw: boolean): TopState => {
    const id = runs[Math.min(state.selected, runs.length - 1)]?.id;
    return id === undefined ? state : { ...state, shown: { id, raw }, scrolled: 0 };
  };
  switch (key) {
    case 'q':
      return { ...state, isOver: true };
    case '?':
      return { ...state, hasHelp: true };
    case 'p':
      return { ...state, isPaused: !state.isPaused };
    case '/':
    case ':':
      return { ...state, typing: { sign: key, text: '' } };
    case 'tab':
      return { ...state, tab: tabs[(tabs.indexOf(state.tab) + 1) % tabs.length] ?? 'overview' };
    case 'l':
      return { ...state, tab: 'logs' };
    case 'escape':
      return { ...state, filter: '', tab: state.filter === '' ? 'overview' : state.tab };
    case 'j':
    case 'down':
      return move(1);
    case 'k':
    case 'up':
      return move(-1);
    case 'page-down':
      return move(PAGE);
    case 'page-up':
      return move(-PAGE);
    case 'd':
    case 'enter':
      return open(false);
    case 'y':
      return open(true);
    default:
      return state;
  }
}

function pressInRun(
  state: TopState,
  shown: { readonly id: string; readonly raw: boolean },
  key: Key,
): TopState {
  const scroll = (by: number) => ({ ...state, scrolled: Math.max(0, state.scrolled + by) });
  switch (key) {
    case 'q':
    case 'escape':
      return { ...state, shown: undefined, scrolled: 0 };
    case 'y':
      return { ...state, shown: { ...shown, raw: !shown.raw }, scrolled: 0 };
    case 'p':
      return { ...state, isPaused: !state.isPaused };
    case 'j':
    case 'down':
      return scroll(1);
    case 'k':
    case 'up':
      return scroll(-1);
    case 'page-down':
      return scroll(PAGE);
    case 'page-up':
      return scroll(-PAGE);
    default:
      return state;
  }
}

const LENGTH_MAX = 60;

function typed(state: TopState, typing: NonNullable<TopState['typing']>, key: Key): TopState {
  const { sign, text } = typing;
  if (key === 'escape') return { ...state, typing: undefined };
  if (key === 'backspace') return { ...state, typing: { sign, text: text.slice(0, -1) } };
  if (key === 'enter') {
    if (sign === '/') return { ...state, typing: undefined, filter: text, selected: 0 };
    const tab = text === '' ? undefined : tabs.find((name) => name.startsWith(text));
    const isOver = text === 'q';
    return { ...state, typing: undefined, tab: tab ?? state.tab, isOver };
  }
  if ([...key].length !== 1 || text.length >= LENGTH_MAX) return state;
  return { ...state, typing: { sign, text: text + key } };
}
