import { HoldfastError, isDeviceId, lanes, type Lane } from '@holdfast/protocol';
import { outcomes } from './dispatch.ts';
import type {
  CommandDevicesQuery,
  CommandsQuery,
  EntriesQuery,
  RunsQuery,
  ValueQuery,
} from './fleet-views.ts';

export const LIMIT_DEFAULT = 100;
export const LIMIT_MAX = 1_000;

/** The parameters of a request as they came: a repeated one is an array. */
export type RawQuery = Readonly<Record<string, unknown>>;

/** The id of a device from a path. @throws HF_DEVICE_UNKNOWN for text that cannot be one. */
export function readDevice(text: unknown): string {
  if (typeof text === 'string' && isDeviceId(text)) return text;
  throw new HoldfastError('HF_DEVICE_UNKNOWN', {
    why: 'an id has 1 to 64 letters, digits, _ or -',
  });
}

/** @throws HF_REQUEST_INVALID */
export function readRunsQuery(query: RawQuery, device?: string): RunsQuery {
  const named = device === undefined ? ['device', 'limit'] : ['limit'];
  const { device: asked, limit } = readOnly(query, named);
  const of = device ?? (asked === undefined ? undefined : readDevice(asked));
  return { device: of, limit: readInteger('limit', limit, limitRange) };
}

/** @throws HF_REQUEST_INVALID */
export function readEntriesQuery(query: RawQuery, device: string): EntriesQuery {
  const { epoch, lane, after, limit } = readOnly(query, ['epoch', 'lane', 'after', 'limit']);
  if (after !== undefined && lane === undefined) {
    throw refuse('after needs lane: each lane counts for itself');
  }
  return {
    device,
    epoch: epoch === undefined ? undefined : readInteger('epoch', epoch, epochRange),
    lane: lane === undefined ? undefined : readLane(lane),
    after: readInteger('after', after, { least: 0, most: Number.MAX_SAFE_INTEGER, standard: 0 }),
    limit: readInteger('limit', limit, limitRange),
  };
}

/** A page of a list: how many, and where it goes on. @throws HF_REQUEST_INVALID */
export function readPage<K extends string>(
  query: RawQuery,
  cursor: K,
): { readonly limit: number } & { readonly [key in K]?: string } {
  const { [cursor]: at, limit } = readOnly(query, [cursor, 'limit']);
  const page = { limit: readInteger('limit', limit, limitRange) };
  // The key is the one that was given.
  return (at === undefined ? page : { ...page, [cursor]: at }) as ReturnType<typeof readPage<K>>;
}

/** @throws HF_REQUEST_INVALID */
export function readValueQuery(query: RawQuery, device: string): ValueQuery {
  const { epoch, lane, seq } = readOnly(query, ['epoch', 'lane', 'seq']);
  if (lane === undefined || seq === undefined) {
    throw refuse('lane and seq say which entry is meant');
  }
  return {
    device,
    epoch: epoch === undefined ? undefined : readInteger('epoch', epoch, epochRange),
    lane: readLane(lane),
    seq: readInteger('seq', seq, { least: 1, most: Number.MAX_SAFE_INTEGER, standard: 1 }),
  };
}

/** @throws HF_REQUEST_INVALID */
export function readCommandsQuery(query: RawQuery): CommandsQuery {
  const { before, limit } = readOnly(query, ['before', 'limit']);
  const isFirst = before === undefined;
  return {
    before: isFirst ? undefined : readInteger('before', before, epochRange),
    limit: readInteger('limit', limit, limitRange),
  };
}

/** @throws HF_REQUEST_INVALID, HF_DEVICE_UNKNOWN */
export function readCommandDevicesQuery(query: RawQuery, id: string): CommandDevicesQuery {
  const { after, outcome, limit } = readOnly(query, ['after', 'outcome', 'limit']);
  const known = outcomes.find((each) => each === outcome);
  if (outcome !== undefined && known === undefined) {
    throw refuse(`outcome is ${JSON.stringify(outcome)}, not one of ${outcomes.join(', ')}`);
  }
  return {
    id,
    after: after === undefined ? undefined : readDevice(after),
    outcome: known,
    limit: readInteger('limit', limit, limitRange),
  };
}

/** @throws HF_REQUEST_INVALID */
export function readLimit(query: RawQuery): number {
  const { limit } = readOnly(query, ['limit']);
  return readInteger('limit', limit, limitRange);
}

/** @throws HF_REQUEST_INVALID */
export function readNothing(query: RawQuery): void {
  readOnly(query, []);
}

function refuse(why: string): HoldfastError {
  return new HoldfastError('HF_REQUEST_INVALID', { why });
}

function readOnly(
  query: RawQuery,
  allowed: readonly string[],
): Readonly<Record<string, string | undefined>> {
  const read: Record<string, string> = {};
  for (const [name, value] of Object.entries(query)) {
    if (!allowed.includes(name)) {
      const known = allowed.length === 0 ? 'no parameters' : `only ${allowed.join(', ')}`;
      throw refuse(`there is no parameter ${name} here; allowed are ${known}`);
    }
    if (typeof value !== 'string') throw refuse(`${name} is given more than once`);
    read[name] = value;
  }
  return read;
}

function readLane(text: string): Lane {
  const lane = lanes.find((each) => each === text);
  if (lane !== undefined) return lane;
  throw refuse(`lane is ${JSON.stringify(text)}, not one of ${lanes.join(', ')}`);
}

interface Range {
  readonly least: number;
  readonly most: number;
  /** When nothing is given. */
  readonly standard: number;
}

const epochRange: Range = { least: 1, most: Number.MAX_SAFE_INTEGER, standard: 1 };
const limitRange: Range = { least: 1, most: LIMIT_MAX, standard: LIMIT_DEFAULT };

function readInteger(name: string, text: string | undefined, range: Range): number {
  if (text === undefined) return range.standard;
  const number = /^\d{1,16}$/.test(text) ? Number(text) : Number.NaN;
  if (number >= range.least && number <= range.most) return number;
  const given = JSON.stringify(text);
  throw refuse(`${name} is ${given}, not an integer from ${range.least} to ${range.most}`);
}
