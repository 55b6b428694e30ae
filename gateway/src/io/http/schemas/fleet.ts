import { ledgerHoleReasons } from '../../../core/ledger.ts';
import { clockFlags } from '../../../core/device-clock.ts';
import { deviceStates } from '../../../core/device-views.ts';
import {
  anything,
  boolean,
  choice,
  described,
  integer,
  list,
  literal,
  nullable,
} from '@holdfast/protocol/json-schema';
import { number, object, string, table } from '@holdfast/protocol/json-schema';
import { answer, count, cursor, lane, limit, name, question, text, time } from './parts.ts';

/** Devices, runs and entries. */

const problems = list(answer({ code: string(), message: string(), hint: string() }));
const watermarks = list(answer({ lane: lane(), watermark: count() }));
const progress = list(
  answer({
    ...{ lane: lane(), watermark: count() },
    head: described(nullable(count()), 'highest seq journaled, as reported last'),
    acked: described(nullable(count()), 'highest seq it knew to be in the ledger, as reported'),
  }),
);
const ordinal = () => integer({ minimum: 1, maximum: Number.MAX_SAFE_INTEGER });
const clock = () => choice(clockFlags);
const state = () => choice(deviceStates);

const backlog = answer({
  ...{ pending: count(), bytes: count(), oldestAt: nullable(time()), reportedAt: time() },
});

const deviceFields = {
  tags: table(string()),
  ...{ device: string(), state: state(), epoch: count() },
  began: answer({ at: nullable(time()), cause: nullable(string()) }),
  ...{ firstSeenAt: nullable(time()), lastSeenAt: nullable(time()), lastAckAt: nullable(time()) },
  ...{ agentVersion: nullable(string()), entries: count() },
  holes: answer({ count: count(), entries: count(), bytes: count() }),
  ...{ lanes: progress, backlog: nullable(backlog), clockAheadMs: nullable(number()) },
  runs: nullable(table(count())),
  refusals: count(),
  refusal: nullable(answer({ code: string(), why: string() })),
  lastCommand: count(),
  commandsWaiting: described(count(), 'commands and results of calls without a receipt'),
  peaks: described(
    nullable(list(nullable(count()))),
    'the most pending in each of 24 hours, the oldest first; where they were asked for',
  ),
};

/** All of them, each as `name=value`. */
const tag = () => list(string({ pattern: '^[^=]{1,64}=.{0,64}$', description: 'name=value' }));

export const devicesQuery = question(
  { limit: limit() },
  {
    ...{ tag: tag(), state: list(state(), { maxItems: deviceStates.length }), after: cursor() },
    search: string({ maxLength: 64, description: 'part of the id' }),
    version: string({ maxLength: 32, description: 'of the agent, as reported' }),
    peaks: described(boolean(), 'whether the peaks of the last 24 hours are told'),
    order: described(
      choice(['id', 'attention']),
      'attention: those that need a person first; one page',
    ),
  },
);

export const devicesAnswer = answer({
  ...{ schema: literal('holdfast.devices/1'), at: time() },
  ...{ devices: list(answer(deviceFields)), next: nullable(string()), problems },
  summary: described(
    answer({
      ...{ devices: count(), pending: count(), states: table(count()) },
      versions: table(count()),
    }),
    'of all devices, whatever was asked for',
  ),
});

const backlogPoints = list(
  answer({ at: time(), pending: count(), arrived: count(), heard: boolean() }),
);
const overTime = { at: time(), since: nullable(time()), points: backlogPoints };

export const deviceBacklogAnswer = answer({
  ...{ schema: literal('holdfast.device-backlog/1'), device: string(), ...overTime },
  outages: described(
    list(answer({ from: time(), to: nullable(time()) })),
    'when nothing was heard of it, over 7 days',
  ),
});

export const fleetBacklogAnswer = answer({
  ...{ schema: literal('holdfast.fleet-backlog/1'), ...overTime },
  arrivingPerSecond: described(number(), 'entries, over the last seconds'),
  catchUpP95Ms: described(nullable(count()), 'of the last devices that have caught up'),
  catchingUp: answer({
    devices: count(),
    first: list(
      answer({
        ...{ device: string(), pending: count(), peak: count(), since: time() },
        leftMs: described(nullable(count()), 'at the pace it has had'),
      }),
    ),
  }),
});

const epoch = answer({
  ...{ epoch: count(), beganAt: nullable(time()), machine: nullable(string()) },
  ...{ cause: nullable(string()), oldEpoch: nullable(count()), why: string() },
  lanes: watermarks,
});

const key = answer({
  ...{ key: string(), since: nullable(time()), acceptedAt: nullable(time()) },
  revokedAt: nullable(time()),
  certificateTo: described(nullable(time()), 'when its newest certificate expires'),
});

export const deviceAnswer = answer({
  ...{ schema: literal('holdfast.device/1'), at: time(), ...deviceFields },
  ...{ epochs: list(epoch), keys: list(key) },
});

export const rekeyBody = question({ key: name() }, {});

export const rekeyedAnswer = answer({
  ...{ schema: literal('holdfast.rekeyed/1'), at: time() },
  ...{ device: string(), key: string() },
});

export const revokedAnswer = answer({
  ...{ schema: literal('holdfast.revoked/1'), at: time(), device: string() },
});

const ofRuns = {
  ...{ state: list(text(32), { maxItems: 16 }), workflow: name() },
  ...{ updatedSince: time(), updatedBefore: time(), before: cursor() },
};

export const ownRunsQuery = question({ limit: limit() }, { run: name(), ...ofRuns });
export const runsQuery = question(
  { limit: limit() },
  { device: string({ format: 'device' }), tag: tag(), ...ofRuns },
);

const reason = answer({
  code: nullable(string({ description: 'HF_… of Holdfast, or the name of another error' })),
  step: nullable(string({ description: 'the operation that failed, or that it is stuck at' })),
});

const run = answer({
  ...{ id: string(), device: string(), workflow: string(), state: string() },
  reason: nullable(reason),
  status: anything({ description: 'what the workflow said of itself last' }),
  ...{ startedAt: nullable(time()), updatedAt: nullable(time()), clock: clock() },
  entries: count(),
});

export const runsAnswer = answer({
  ...{ schema: literal('holdfast.fleet-runs/1'), at: time(), device: nullable(string()) },
  ...{ runs: list(run), next: nullable(string()), problems },
});

export const entriesQuery = question(
  { limit: limit() },
  {
    epoch: ordinal(),
    ...{ lane: lane(), after: count() },
  },
);

/** An entry has the fields of its kind besides. */
export const ofKind = { additionalProperties: true };

export const entry = object(
  {
    ...{ lane: lane(), epoch: count(), seq: count(), receivedAt: nullable(time()) },
    ...{ bytes: count(), kind: nullable(string()) },
  },
  {},
  ofKind,
);

const hole = answer({
  ...{ lane: lane(), epoch: count(), seqFirst: count(), seqLast: count() },
  ...{ reason: choice(ledgerHoleReasons), bytes: count(), firstAt: nullable(time()) },
  ...{ lastAt: nullable(time()), receivedAt: nullable(time()) },
});

export const entriesAnswer = answer({
  ...{ schema: literal('holdfast.entries/1'), at: time(), device: string() },
  ...{ epoch: count(), entries: list(entry), holes: list(hole) },
  next: list(answer({ lane: lane(), after: count() })),
});

export const quarantineQuery = question({ limit: limit() }, {});

export const quarantineAnswer = answer({
  ...{ schema: literal('holdfast.quarantine/1'), at: time(), device: string() },
  ...{ kept: count(), bytes: count(), dropped: count(), entries: list(entry) },
});

export const valueQuery = question({ lane: lane(), seq: ordinal() }, { epoch: ordinal() });

export const valueAnswer = answer({
  ...{ schema: literal('holdfast.value/1'), at: time(), device: string(), epoch: count() },
  ...{ lane: lane(), seq: count(), kind: string(), bytes: count() },
  value: anything({ description: 'null where the entry has none' }),
});
