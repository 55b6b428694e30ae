import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { ExecutionContext } from 'ava';
import { inTerminal } from '../in-terminal.ts';
import { PATIENCE_MS } from '../patience.ts';
import { TerminalScreen } from '../screen.ts';
import { tempDir } from '../temp-dir.ts';
import { LINE_END, type Keep, type RunLine, type RunLines } from './run-line.ts';

/** A command line, and what is to be seen of it. */
export interface Scene {
  /** As it is typed, behind the name of the program; `$NAME` stands for what was kept. */
  readonly line: string;
  /** Default: 0. */
  readonly code?: number;
  /** It prints data for programs, in lines as long as they are. */
  readonly isData?: true;
  /** Its rows are of one moment, and in any order. */
  readonly isUnordered?: true;
  readonly keep?: Keep;
}

/** From `test/dist/support/screens`. */
const from = (path: string): string =>
  fileURLToPath(new URL(`../../../../${path}`, import.meta.url));

/** The module that each program starts with. */
export const mains = {
  holdfast: from('agent/dist/holdfast.cjs'),
  'holdfast-gateway': from('gateway/dist/cli/main.js'),
  'holdfast-sim': from('device-sim/dist/cli/main.js'),
} as const;
export type ProgramName = keyof typeof mains;

const runner = fileURLToPath(new URL('./run-lines.js', import.meta.url));
const fixedMachine = from('test/support/fixed-machine.cjs');

export interface Played {
  readonly program: ProgramName;
  readonly scenes: readonly Scene[];
  readonly cwd: string;
  readonly env?: Readonly<Record<string, string>>;
  /** What names in lines stand for. */
  readonly given?: Readonly<Record<string, string>>;
  /** Added to each line. */
  readonly more?: (scene: Scene) => readonly string[];
}

/** What came of a scene. */
export interface Shown {
  readonly scene: Scene;
  readonly code: number;
  readonly text: string;
}

/** The words of a line; quotes hold them together. */
export function wordsOf(line: string): readonly string[] {
  return [...line.matchAll(/'([^']*)'|\S+/g)].map(([word, quoted]) => quoted ?? word);
}

/** Plays scenes one after another on a terminal of 80 by 24; what scrolls away counts too. */
export async function playOnTerminal(
  t: ExecutionContext,
  played: Played,
): Promise<readonly Shown[]> {
  const file = await linesFile(t, played);
  const command = [runner, mains[played.program], file];
  const { cwd } = played;
  const env = { HOME: cwd, ...played.env };
  const { ended, written } = inTerminal(t, command, { env, cwd });
  t.is(await ended, 0, written());
  return shownOf(played.scenes, written());
}

/** Plays scenes one after another into a pipe. */
export async function playIntoPipe(
  t: ExecutionContext,
  played: Played,
): Promise<readonly Shown[]> {
  const { PATH = '' } = process.env;
  const file = await linesFile(t, played);
  const args = ['--require', fixedMachine, runner, mains[played.program], file];
  const env = { PATH, HOME: played.cwd, ...played.env };
  const { cwd } = played;
  const child = spawn(process.execPath, args, { env, cwd, stdio: ['ignore', 'pipe', 'pipe'] });
  const timer = setTimeout(() => child.kill('SIGKILL'), PATIENCE_MS);
  let [written, said] = ['', ''];
  child.stdout.setEncoding('utf8').on('data', (text: string) => (written += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => (said += text));
  const ended = once(child, 'close');
  t.teardown(async () => {
    child.kill('SIGKILL');
    await ended;
  });
  const [code] = (await ended) as [number | null];
  clearTimeout(timer);
  t.is(code, 0, said);
  const shown = shownOf(played.scenes, written);
  // Why one did not do what it is to do.
  if (shown.some((each) => each.code !== (each.scene.code ?? 0))) t.log(said);
  return shown;
}

async function linesFile(t: ExecutionContext, played: Played): Promise<string> {
  const { scenes, more, given = {} } = played;
  const lines = scenes.map((scene): RunLine => {
    return { args: [...wordsOf(scene.line), ...(more?.(scene) ?? [])], keep: scene.keep };
  });
  const file = join(await tempDir(t), 'lines.json');
  const content: RunLines = { given, lines };
  await writeFile(file, JSON.stringify(content));
  return file;
}

function shownOf(scenes: readonly Scene[], written: string): readonly Shown[] {
  const parts = written.split(new RegExp(`${LINE_END}(-?\\d+)\\r?\\n`));
  return scenes.map((scene, at) => {
    const [text, code] = [parts[2 * at] ?? '', parts[2 * at + 1]];
    if (code === undefined) throw new Error(`${scene.line} did not end: ${text}`);
    return { scene, code: Number(code), text };
  });
}

/** More lines than any of our screens has. */
const ROWS = 2_000;
// eslint-disable-next-line no-control-regex -- Sequences begin with a control character.
const sequences = /\u001b\[[0-9;?]*[A-Za-z]/g;

/** How far long work was, drawn over what was there before. */
// eslint-disable-next-line no-control-regex -- Sequences begin with a control character.
const drawn = /\r\u001b\[K[^\r\n]*(?=\r\u001b\[K)/g;

/** What a terminal of 80 columns shows of it, and how wide it wanted to be. */
export function onTerminal(all: string): { readonly text: string; readonly columns: number } {
  const text = all.replace(drawn, '');
  const screen = new TerminalScreen(80, ROWS);
  screen.write(text);
  // What is drawn over itself begins at the left again.
  const lines = text.replace(sequences, '').split(/[\r\n]+/);
  return { text: screen.text, columns: Math.max(...lines.map((line) => [...line].length)) };
}
