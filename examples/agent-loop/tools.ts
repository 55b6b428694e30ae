import { mkdir, rename, writeFile } from 'node:fs/promises';
import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { TerminalError, type StepInfo } from '@holdfast/agent';
import { readDisk, readLoad, readMemory } from '../host-health/readings.ts';
import type { ToolCall } from './chat.ts';

const notesDir = process.env['NOTES_DIR'] ?? 'notes';

interface Tool {
  readonly about: string;
  /** JSON Schema of what it takes. */
  readonly parameters: Readonly<Record<string, unknown>>;
  readonly run: (input: Readonly<Record<string, unknown>>, info: StepInfo) => unknown;
}

const nothing = { type: 'object', properties: {} } as const;

/** What the model may do on this machine. */
const tools: Readonly<Record<string, Tool>> = {
  read_load: { about: 'Load and processors.', parameters: nothing, run: () => readLoad() },
  read_memory: { about: 'Memory in bytes.', parameters: nothing, run: () => readMemory() },
  read_disk: { about: 'The root disk.', parameters: nothing, run: () => readDisk('/') },
  file_note: {
    about: 'Files a note for the technician.',
    parameters: {
      type: 'object',
      properties: { text: { type: 'string' } },
      required: ['text'],
    },
    run: ({ text }, info) => fileNote(text, info),
  },
};

/** The list that the model is given. */
export const toolSpecs = Object.entries(tools).map(([name, { about, parameters }]) => ({
  type: 'function',
  function: { name, description: about, parameters },
}));

/**
 * Does what the model asked for. Everything in a call is the model's word and is checked: it may
 * name a tool that is not there, or write something else than JSON.
 */
export async function runTool(call: ToolCall, info: StepInfo): Promise<unknown> {
  const { name, arguments: text } = call.function;
  const tool = Object.hasOwn(tools, name) ? tools[name] : undefined;
  if (tool === undefined) throw new TerminalError(`there is no tool ${name}`);
  return tool.run(readArguments(text), info);
}

function readArguments(text: string): Readonly<Record<string, unknown>> {
  try {
    const input: unknown = JSON.parse(text === '' ? '{}' : text);
    if (typeof input === 'object' && input !== null) return { ...input };
  } catch {
    // Not JSON: the same answer as JSON that is no object.
  }
  throw new TerminalError('the arguments are not a JSON object');
}

/** Appears whole or not at all; a second attempt of the same step finds its own file. */
async function fileNote(text: unknown, info: StepInfo): Promise<{ readonly file: string }> {
  if (typeof text !== 'string' || text === '') throw new TerminalError('text is missing');
  const name = createHash('sha256').update(info.idempotencyKey).digest('hex').slice(0, 16);
  const file = `note-${name}.txt`;
  await mkdir(notesDir, { recursive: true });
  await writeFile(join(notesDir, `${file}.draft`), `${text}\n`, { flush: true });
  await rename(join(notesDir, `${file}.draft`), join(notesDir, file));
  return { file };
}
