import { randomUUID } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { userInfo } from 'node:os';
import { text } from 'node:stream/consumers';
import { HoldfastError, durationMs, messageOf } from '@holdfast/protocol';
import { readIssueBody } from '../core/api-command.ts';
import type { InstructionKind } from '../core/dispatch.ts';
import type { CommandView, Target } from '../core/fleet-views.ts';
import { progressText } from './command-views.ts';
import { withFleet, type SourceOptions } from './fleet-source.ts';
import { usage } from './options.ts';
import { show, type Terminal } from './terminal.ts';

export interface IssueOptions extends SourceOptions {
  readonly device?: string;
  readonly tag?: readonly string[];
  readonly all?: true;
  readonly expires: string;
  readonly commandId?: string;
  readonly by?: string;
}

/** What is to be issued, apart from the options that all kinds have. */
export interface Issued {
  readonly kind: InstructionKind;
  readonly run?: string | undefined;
  readonly name?: string | undefined;
  readonly payload?: unknown;
}

/** Issues a command. It is durable once this resolves. */
export async function issueCommand(
  issued: Issued,
  options: IssueOptions,
  terminal: Terminal,
): Promise<void> {
  const { commandId: id = `cmd-${randomUUID()}`, by = userInfo().username } = options;
  const to = targetOf(options);
  const expiresAt = expiryOf(options.expires, terminal.nowMs);
  const given = { id, to, expiresAt, by, ...issued };
  const query = readIssueBody(given, { newId: randomUUID, actor: 'local' });
  const view: CommandView = await withFleet(options, (fleet) => fleet.issue(query));
  show(terminal, view, () => `issued ${view.id}: ${progressText(view)}`);
}

function targetOf({ device, tag = [], all }: IssueOptions): Target {
  const given = [device !== undefined, tag.length > 0, all === true].filter(Boolean);
  if (given.length !== 1) throw usage('give exactly one of --device, --tag and --all');
  if (device !== undefined) return { device };
  return all === true ? { all } : { tags: readTags(tag) };
}

/** Reads `NAME=VALUE` texts. */
export function readTags(texts: readonly string[]): Readonly<Record<string, string>> {
  return Object.fromEntries(
    texts.map((each) => {
      const at = each.indexOf('=');
      if (at < 1) throw usage(`a tag is ${JSON.stringify(each)}, not NAME=VALUE`);
      return [each.slice(0, at), each.slice(at + 1)];
    }),
  );
}

function expiryOf(expires: string, nowMs: number): string | null {
  if (expires === 'never') return null;
  return new Date(nowMs + durationMs(expires)).toISOString();
}

/** Reads JSON given as text, as `@FILE`, or as `@-` for stdin. @throws HF_INPUT_INVALID */
export async function jsonArgument(argument: string): Promise<unknown> {
  try {
    if (!argument.startsWith('@')) return JSON.parse(argument);
    const source = argument.slice(1);
    return JSON.parse(source === '-' ? await text(process.stdin) : await readFile(source, 'utf8'));
  } catch (error) {
    throw new HoldfastError('HF_INPUT_INVALID', { why: messageOf(error) });
  }
}
