import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import {
  contextsPath,
  contextsText,
  HoldfastError,
  messageOf,
  noContexts,
  parseContexts,
  type Contexts,
} from '@holdfast/protocol/base';
import type { Shell } from './shell.ts';

/** The contexts of whoever calls; none where there is no file. @throws HF_CONFIG_INVALID */
export function readContexts(env: Shell['env']): Contexts {
  const path = contextsPath(env);
  if (path === undefined) return noContexts;
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === 'ENOTDIR') return noContexts;
    throw new HoldfastError('HF_CONFIG_INVALID', { why: `${path}: ${messageOf(cause)}`, cause });
  }
  return parseContexts(text, path);
}

/** Replaces the file whole, for this user only. @throws HF_CONFIG_INVALID */
export function writeContexts(env: Shell['env'], contexts: Contexts): void {
  const path = contextsPath(env);
  if (path === undefined) {
    const why = 'contexts have no place: neither XDG_CONFIG_HOME nor HOME is set';
    throw new HoldfastError('HF_USAGE', { why });
  }
  const temporary = `${path}.${process.pid}.tmp`;
  try {
    mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
    writeFileSync(temporary, contextsText(contexts), { mode: 0o600 });
    renameSync(temporary, path);
  } catch (cause) {
    throw new HoldfastError('HF_CONFIG_INVALID', { why: `${path}: ${messageOf(cause)}`, cause });
  }
}
