import { HoldfastError, checkName, isDeviceId } from '@holdfast/protocol';
import type { Role } from './access/roles.ts';
import { fieldsOf, readText, refuseBody } from './api-body.ts';
import { TAGS_MAX, TAG_LENGTH_MAX, type InstructionKind } from './dispatch.ts';
import type { IssueQuery, Target } from './fleet-views.ts';

type Need = 'needed' | 'optional' | 'none';

/** What each kind of command takes. */
const shapes: Readonly<Record<InstructionKind, CommandShape>> = {
  'run.start': { run: 'optional', name: 'needed', payload: 'value' },
  'run.signal': { run: 'needed', name: 'needed', payload: 'value' },
  'run.cancel': { run: 'needed', name: 'none', payload: 'text' },
  'run.pause': { run: 'needed', name: 'none', payload: 'text' },
  'run.resume': { run: 'needed', name: 'none', payload: 'none' },
  'run.retry': { run: 'needed', name: 'none', payload: 'text' },
  'run.fork': { run: 'needed', name: 'needed', payload: 'text' },
  'step.skip': { run: 'needed', name: 'needed', payload: 'value' },
  'step.complete': { run: 'none', name: 'needed', payload: 'value' },
  'step.fail': { run: 'none', name: 'needed', payload: 'text' },
  'config.set': { run: 'none', name: 'needed', payload: 'value' },
  'key.rotate': { run: 'none', name: 'none', payload: 'none' },
};

/** Kinds that change who a device is: for admins. */
const adminKinds: ReadonlySet<InstructionKind> = new Set(['key.rotate']);

/** What it takes to issue a command. */
export function roleOf(kind: InstructionKind): Role {
  return adminKinds.has(kind) ? 'admin' : 'operator';
}

/** Kinds of commands that can be asked for. */
export const commandKinds = Object.keys(shapes) as InstructionKind[];

interface CommandShape {
  readonly run: Need;
  readonly name: Need;
  /** `text`: the reason; empty when it is not given. */
  readonly payload: 'value' | 'text' | 'none';
}

const REASON_LENGTH_MAX = 1_024;
const fields = ['id', 'kind', 'to', 'run', 'name', 'payload', 'expiresAt', 'by'];

/** Who issues a command. */
export interface Issuer {
  /** Names a command that has no id. */
  readonly newId: () => string;
  /** Who asks. One who is on the gateway's own machine may say for whom: `local`. */
  readonly actor: string;
}

const LOCAL = 'local';

/** A command, from the body of a request. @throws HF_REQUEST_INVALID, HF_NAME_INVALID */
export function readIssueBody(body: unknown, { newId, actor }: Issuer): IssueQuery {
  const given = fieldsOf(body, fields);
  const kind = readKind(given['kind']);
  const shape = shapes[kind];
  return {
    id: given['id'] === undefined ? newId() : checkName('command', given['id']),
    kind,
    to: readTarget(given['to']),
    run: readName(kind, 'run', { need: shape.run, value: given['run'] }),
    name: readName(kind, 'name', { need: shape.name, value: given['name'] }),
    payload: readPayload(kind, given['payload']),
    expiresAt: readExpiry(given['expiresAt']),
    by: actor === LOCAL && given['by'] !== undefined ? checkName('by', given['by']) : actor,
  };
}

/** Tags of a device, from the body of a request. @throws HF_REQUEST_INVALID */
export function readTagsBody(body: unknown): Readonly<Record<string, string>> {
  return readTags(fieldsOf(body, ['tags'])['tags']);
}

function readKind(kind: unknown): InstructionKind {
  const found = commandKinds.find((each) => each === kind);
  if (found !== undefined) return found;
  throw refuseBody(`kind is ${JSON.stringify(kind)}, not one of ${commandKinds.join(', ')}`);
}

function readName(
  kind: InstructionKind,
  field: 'run' | 'name',
  { need, value }: { readonly need: Need; readonly value: unknown },
): string | undefined {
  if (value === undefined) {
    if (need !== 'needed') return undefined;
    throw refuseBody(`${kind} needs ${field}`);
  }
  if (need === 'none') throw refuseBody(`${kind} takes no ${field}`);
  return checkName(field, value);
}

function readPayload(kind: InstructionKind, payload: unknown): unknown {
  const shape = shapes[kind].payload;
  if (shape === 'value') return payload;
  if (shape === 'text') {
    return payload === undefined ? '' : readText('payload', payload, REASON_LENGTH_MAX, 0);
  }
  if (payload !== undefined) throw refuseBody(`${kind} takes no payload`);
  return undefined;
}

function readTarget(to: unknown): Target {
  const { device, tags, all } = fieldsOf(to, ['device', 'tags', 'all'], 'to');
  const given = [device, tags, all].filter((each) => each !== undefined);
  if (given.length !== 1) throw refuseBody('to has exactly one of device, tags and all');
  if (all === true) return { all };
  if (tags !== undefined) {
    const wanted = readTags(tags);
    // Those that have all of no tags would be all devices: that is said with `all`.
    if (Object.keys(wanted).length > 0) return { tags: wanted };
  }
  if (typeof device === 'string' && isDeviceId(device)) return { device };
  throw refuseBody('to is {"device": id}, {"tags": {name: value}} or {"all": true}');
}

function readTags(tags: unknown): Readonly<Record<string, string>> {
  const isRecord = typeof tags === 'object' && tags !== null && !Array.isArray(tags);
  if (!isRecord) throw refuseBody('tags is no object of texts by name');
  const entries = Object.entries(tags);
  if (entries.length > TAGS_MAX) throw refuseBody(`there are more than ${TAGS_MAX} tags`);
  return Object.fromEntries(
    entries.map(([name, value]) => [
      readText('the name of a tag', name, TAG_LENGTH_MAX),
      readText(`tag ${name}`, value, TAG_LENGTH_MAX, 0),
    ]),
  );
}

function readExpiry(at: unknown): string | null {
  if (at === null) return null;
  const isTime =
    typeof at === 'string' && /^\d{4}-\d{2}-\d{2}T[0-9:.]+(?:Z|[+-]\d{2}:\d{2})$/.test(at);
  if (isTime && Date.parse(at) > 0) return at;
  throw new HoldfastError('HF_REQUEST_INVALID', {
    why: 'expiresAt is needed: a time such as 2026-03-01T12:00:00Z, or null: it never expires',
  });
}
