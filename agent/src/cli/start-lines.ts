import { open, type FileHandle } from 'node:fs/promises';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import {
  formatCount,
  HoldfastError,
  messageOf,
  withProgress,
  type ErrorCode,
  type OnProgress,
} from '@holdfast/protocol/base';
import type { SocketClient } from '../socket-client.ts';
import { parseJson } from './json-argument.ts';
import type { Format } from './output-format.ts';
import { valueText } from './run-line.ts';
import { besideOutput, type Shell } from './shell.ts';

export interface LinesOptions {
  readonly workflow: string;
  /** Path of a file with a JSON object a line; `-`: stdin. Blank lines are skipped. */
  readonly file: string;
  /** Field of each object whose text or integer is the id of its run. */
  readonly idField: string;
  readonly output: Format;
}

/** What is wrong with one line and leaves the others right. */
const lineFailures: ReadonlySet<ErrorCode> = new Set([
  'HF_INPUT_INVALID',
  'HF_NAME_INVALID',
  'HF_RUN_CONFLICT',
  'HF_VALUE_TOO_LARGE',
  'HF_VALUE_UNSUPPORTED',
  'HF_REQUEST_INVALID',
]);

/**
 * Starts a run for each line, in order, one after another.
 *
 * @throws HF_LINES_REFUSED at the end when lines were bad; at once, with the number of the line,
 * what would fail for every line.
 */
export async function startLines(
  agent: SocketClient,
  shell: Shell,
  options: LinesOptions,
): Promise<void> {
  const { input, lines } = await openLines(options.file);
  const work = { what: 'lines', total: lines } as const;
  const counts = await withProgress(besideOutput(shell), work, (to) =>
    startEach(agent, shell, { ...options, input, to }),
  );
  finish(shell, options.output, counts);
}

interface Lines extends LinesOptions {
  readonly input: Readable;
  readonly to: OnProgress;
}

interface Counts {
  readonly started: number;
  readonly attached: number;
  readonly refused: number;
}

async function startEach(agent: SocketClient, shell: Shell, options: Lines): Promise<Counts> {
  const counts = { started: 0, attached: 0, refused: 0 };
  let number = 0;
  for await (const line of createInterface({ input: options.input })) {
    options.to(number);
    number += 1;
    if (line.trim() === '') continue;
    try {
      const input = parseJson(line);
      const id = idOf(input, options.idField);
      const started = await agent.start({ workflow: options.workflow, input, id });
      counts[started.created ? 'started' : 'attached'] += 1;
      if (options.output === 'json') shell.print(JSON.stringify({ ...started, line: number }));
      else shell.print(`${started.created ? 'started' : 'already there:'} ${valueText(id)}`);
    } catch (error) {
      if (!(error instanceof HoldfastError)) throw error;
      if (!lineFailures.has(error.code)) throw atLine(error, number);
      counts.refused += 1;
      shell.say(`line ${number}: ${valueText(error.message)}`);
    }
  }
  return counts;
}

function finish(shell: Shell, output: Format, counts: Counts): void {
  const { started, attached, refused } = counts;
  if (output === 'json') {
    shell.print(JSON.stringify({ schema: 'holdfast.started-lines/1', ...counts }));
  } else {
    const bad = refused === 0 ? '' : `, ${formatCount(refused)} refused`;
    shell.say(`${formatCount(started)} started, ${formatCount(attached)} already there${bad}`);
  }
  if (refused > 0) {
    throw new HoldfastError('HF_LINES_REFUSED', {
      why: `${formatCount(refused)} of ${formatCount(started + attached + refused)} lines`,
    });
  }
}

interface Opened {
  readonly input: Readable;
  /** How many there are; `undefined`: not known before the end is there. */
  readonly lines: number | undefined;
}

async function openLines(file: string): Promise<Opened> {
  if (file === '-') return { input: process.stdin, lines: undefined };
  try {
    // Opened before it is read: a missing file is an error of the command, not of a line.
    const handle = await open(file);
    const found = await handle.stat();
    if (found.isDirectory()) {
      await handle.close();
      throw new HoldfastError('HF_INPUT_INVALID', { why: `${file} is a directory` });
    }
    if (!found.isFile()) return { input: handle.createReadStream(), lines: undefined };
    const lines = found.size > COUNTED_BYTES_MAX ? undefined : await countLines(handle);
    return { input: handle.createReadStream({ start: 0 }), lines };
  } catch (error) {
    if (error instanceof HoldfastError) throw error;
    throw new HoldfastError('HF_INPUT_INVALID', { why: messageOf(error) });
  }
}

/** A larger file is not read twice: what is shown of it has no end. */
const COUNTED_BYTES_MAX = 256 * 1024 * 1024;
const LINE_FEED = 0x0a;

/** Lines of a file from its beginning; the last one may have no end. */
async function countLines(handle: FileHandle): Promise<number> {
  let [lines, last] = [0, LINE_FEED];
  const chunks: AsyncIterable<Buffer> = handle.createReadStream({ start: 0, autoClose: false });
  for await (const chunk of chunks) {
    for (let at = chunk.indexOf(LINE_FEED); at >= 0; at = chunk.indexOf(LINE_FEED, at + 1)) {
      lines += 1;
    }
    last = chunk.at(-1) ?? last;
  }
  return last === LINE_FEED ? lines : lines + 1;
}

function idOf(input: unknown, field: string): string {
  const isObject = typeof input === 'object' && input !== null;
  const id: unknown = isObject ? Reflect.get(input, field) : undefined;
  if (typeof id === 'string') return id;
  if (Number.isSafeInteger(id)) return String(id);
  throw new HoldfastError('HF_INPUT_INVALID', {
    why: `the field ${field}, which is to be the id of the run, is no text and no integer`,
  });
}

function atLine(error: HoldfastError, line: number): HoldfastError {
  const why = error.why === undefined ? '' : `: ${error.why}`;
  return new HoldfastError(error.code, { why: `stopped at line ${line}${why}` });
}
