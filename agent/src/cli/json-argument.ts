import { readFile } from 'node:fs/promises';
import { text } from 'node:stream/consumers';
import { HoldfastError, messageOf } from '@holdfast/protocol/base';

/** Reads JSON given as text, as `@FILE`, or as `@-` for stdin. @throws HF_INPUT_INVALID */
export async function jsonArgument(argument: string): Promise<unknown> {
  const source = argument.startsWith('@') ? argument.slice(1) : undefined;
  const json = source === undefined ? argument : await readSource(source);
  return parseJson(json);
}

/** @throws HF_INPUT_INVALID */
export function parseJson(json: string): unknown {
  try {
    return JSON.parse(json);
  } catch (error) {
    throw new HoldfastError('HF_INPUT_INVALID', { why: messageOf(error) });
  }
}

async function readSource(source: string): Promise<string> {
  try {
    return source === '-' ? await text(process.stdin) : await readFile(source, 'utf8');
  } catch (error) {
    throw new HoldfastError('HF_INPUT_INVALID', { why: messageOf(error) });
  }
}
