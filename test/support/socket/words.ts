import { conflictPolicies, reusePolicies, runStates } from '@holdfast/agent/internal';
import { lanes } from '@holdfast/protocol';

export type Json = Readonly<Record<string, unknown>>;

interface Word {
  readonly schema: Json;
  readonly description: string;
}

const text = (description: string): Word => ({ schema: { type: 'string' }, description });
const oneOf = (words: readonly string[], description: string): Word => ({
  ...{ schema: { type: 'string', enum: words }, description },
});
const whole = (minimum: number, maximum: number, fallback?: number): Json => ({
  ...{ type: 'integer', minimum, maximum },
  ...(fallback === undefined ? {} : { default: fallback }),
});
const flag = (description: string): Word => ({
  schema: { type: 'string', enum: ['0', '1', 'false', 'true'], default: '0' },
  description,
});
const instant = (description: string): Word => ({
  schema: { type: 'string', format: 'date-time' },
  description,
});

const SEQ_MAX = Number.MAX_SAFE_INTEGER;

/** How many a list gives at most. */
const limits: Readonly<Record<string, Json>> = {
  journal: whole(1, 1_000, 100),
  logs: whole(1, 1_000, 100),
  runs: whole(1, 10_000, 200),
  'run-ids': whole(1, 100, 6),
};

const parameters: Readonly<Record<string, Word>> = {
  id: text('percent-encoded'),
  lane: oneOf(lanes, 'of this lane alone; without it, of all, by their time'),
  after: { schema: whole(0, SEQ_MAX), description: 'behind this number' },
  run: text('either this or `synced`'),
  'runs synced': flag('each with how many of its entries the gateway has'),
  'journal run': text('of the history of this run alone'),
  kind: text('of these kinds, with commas between them, such as `step.*`'),
  unsynced: flag('what the gateway has not acknowledged'),
  hex: flag('with the bytes of each entry'),
  parts: flag('with what it is made of: reads up to some thousand entries'),
  q: text('that fit it, such as `state=stuck and since>1h`'),
  synced: flag('wait until the gateway has everything'),
  timeoutMs: { schema: whole(0, 3_600_000, 30_000), description: 'then HF_WAIT_TIMEOUT' },
  all: flag('those that have ended, too'),
  state: text(`some of ${runStates.join(', ')}, with commas between them`),
  workflow: text('of this one alone'),
  prefix: text('ids that begin like this'),
  since: instant('changed at that time or later'),
  until: instant('changed before that time'),
  cursor: text('`next` of the page before'),
  reveal: flag('what was marked local or redacted, too'),
};

/** What a parameter of a path is. */
export function parameterOf(path: string, name: string): Word {
  const limit = name === 'limit' ? limits[path] : undefined;
  const named = parameters[`${path} ${name}`] ?? parameters[name];
  const word = limit === undefined ? named : { schema: limit, description: 'at most' };
  if (word === undefined) throw new Error(`nobody says what ${name} of ${path} is`);
  return word;
}

const fields: Readonly<Record<string, Word>> = {
  workflow: text('its name'),
  input: { schema: {}, description: 'JSON' },
  id: text('asking again with the same id counts once; default: a new one'),
  subject: text('whom it is about: it can be erased by this'),
  onConflict: oneOf(conflictPolicies, 'when the run has not ended; default attach'),
  reuse: oneOf(reusePolicies, 'when the run has ended; default attach'),
  name: text('1 to 128 characters'),
  payload: { schema: {}, description: 'JSON' },
  reason: text('for the journal'),
  force: { schema: { type: 'boolean' }, description: 'end what is under way at once' },
  step: text('its name; for a fork its number, too'),
  result: { schema: {}, description: 'JSON; default null' },
  token: text('what the step has handed out'),
  error: text('what the step fails with, instead of `result`'),
  lane: oneOf(lanes, 'default normal'),
};

/** The schema of a field of a body. */
export function fieldOf(name: string): Json {
  const word = fields[name];
  if (word === undefined) throw new Error(`nobody says what ${name} is`);
  return { ...word.schema, description: word.description };
}
