import { codeOf, Exit, HoldfastError } from '@holdfast/protocol/base';
import type { Command } from 'commander';
import type { SocketClient } from '../socket-client.ts';
import type { Reading } from '@holdfast/protocol/base';
import { LiveScreen, type Key } from './live-screen.ts';
import type { Shell } from './shell.ts';
import { addTarget, withAgent, type TargetFlags } from './target.ts';
import { topScreen, type TopView } from './top-screen.ts';
import { firstState, press, shownRuns, type Sample } from './top-state.ts';

const about = `
Needs a terminal of 40 by 12 at least. ? shows the keys; q ends.

Example:
  holdfast top --data-dir /var/lib/holdfast
`;

const LOOK_EVERY_MS = 1_000;
const RUNS_MAX = 200;
const ROWS_MAX = 100;
/** A quarter of an hour, and wider than a terminal. */
const READINGS_MAX = 900;

export function addTop(program: Command, shell: Shell): void {
  addTarget(program.command('top'))
    .description('Watch this device in one screen: backlog, runs, journal, log.')
    .addHelpText('after', about)
    .action(async (flags: TargetFlags) => {
      if (!shell.isTerminal || process.stdin.isTTY !== true) {
        const why = 'top needs a terminal; `holdfast status --watch` prints lines into a pipe';
        throw new HoldfastError('HF_USAGE', { why });
      }
      await withAgent(shell, flags, (agent) => new Top(agent, shell).run());
    });
}

/** Asks the agent each second, and draws what it says and what keys ask for. */
class Top {
  readonly #agent: SocketClient;
  readonly #shell: Shell;
  #screen: LiveScreen | undefined;
  #state = firstState;
  #sample: Sample | undefined;
  #readings: readonly Reading[] = [];
  #isAway = false;
  #wake = (): void => undefined;

  constructor(agent: SocketClient, shell: Shell) {
    this.#agent = agent;
    this.#shell = shell;
  }

  /** Resolves once a key has ended it. @throws HF_AGENT_UNREACHABLE when none answers at first. */
  async run(): Promise<void> {
    await this.#look();
    const screen = new LiveScreen(this.#shell);
    this.#screen = screen;
    try {
      screen.onKeys(
        (key) => this.#press(key),
        () => this.#draw(),
      );
      while (!this.#state.isOver) {
        this.#draw();
        await this.#pause();
        if (!this.#state.isPaused && !this.#state.isOver) await this.#lookAgain();
      }
    } finally {
      screen.close();
    }
  }

  #runs() {
    return shownRuns(this.#state, this.#sample?.runs.runs ?? []);
  }

  #press(key: Key): void {
    const state = press(this.#state, key, this.#runs());
    if (key === 'ctrl-c') process.exitCode = Exit.interrupted;
    const isOther = state.shown?.id !== this.#state.shown?.id;
    this.#state = state;
    this.#draw();
    // What is not there yet is asked for at once.
    if (state.isOver || isOther) this.#wake();
  }

  #draw(): void {
    if (this.#screen === undefined || this.#sample === undefined) return;
    const view: TopView = {
      ...{ state: this.#state, sample: this.#sample, readings: this.#readings },
      isAway: this.#isAway,
    };
    this.#screen.draw(topScreen(view, this.#screen.size, this.#shell));
  }

  async #lookAgain(): Promise<void> {
    try {
      await this.#look();
      this.#isAway = false;
    } catch (error) {
      // Restarting is part of its life.
      if (codeOf(error) !== 'HF_AGENT_UNREACHABLE') throw error;
      this.#isAway = true;
    }
  }

  async #look(): Promise<void> {
    const { shown } = this.#state;
    const status = await this.#agent.status();
    const runs = await this.#agent.runs({ limit: RUNS_MAX });
    const journal = await this.#agent.journal({ limit: ROWS_MAX });
    const logs = await this.#agent.logs({ after: 0, limit: ROWS_MAX });
    const run = shown === undefined ? undefined : await this.#run(shown.id);
    this.#sample = { status, runs, journal, logs, run };
    const reading = { atMs: this.#shell.nowMs(), pending: status.backlog.pending };
    this.#readings = [...this.#readings, reading].slice(-READINGS_MAX);
  }

  /** `undefined`: it has been purged meanwhile. */
  async #run(id: string): Promise<Sample['run']> {
    try {
      return await this.#agent.run(id);
    } catch (error) {
      if (codeOf(error) !== 'HF_RUN_UNKNOWN') throw error;
      return undefined;
    }
  }

  #pause(): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, LOOK_EVERY_MS);
      this.#wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }
}
