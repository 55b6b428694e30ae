/** What a value of a scenario's file has to be. */
export type FieldType = 'duration' | 'count' | 'share' | 'text' | 'number';

/** Nobody has more of anything. */
export const COUNT_MAX = 100_000;

export interface Field {
  readonly type: FieldType;
  /** Member of `Scenario`, or of its `weather`. */
  readonly member: string;
  readonly about: string;
}

const field = (type: FieldType, member: string, about: string): Field => ({ type, member, about });

/** By table and key, as a file has them; those of '' stand before the first table. */
export const scenarioFields: Readonly<Record<string, Readonly<Record<string, Field>>>> = {
  '': {
    about: field('text', 'about', 'what goes wrong, in a line'),
    devices: field('count', 'devices', 'how many there are'),
    duration: field('duration', 'durationMs', 'how long things go wrong before everything heals'),
  },
  work: {
    'run-every': field('duration', 'runEveryMs', 'how often each device starts a run; 0s: never'),
    'emit-every': field('duration', 'emitEveryMs', 'how often each device emits events; 0s: never'),
    'emit-at-once': field('count', 'emitAtOnce', 'how many each time'),
    'command-every': field('duration', 'orderEveryMs', 'how often each device is given a command'),
    'command-valid': field('duration', 'orderForMs', 'how long a command is valid, at most'),
    fail: field('share', 'failing', 'chance that the body of a step or a handler fails'),
    hang: field('share', 'hanging', 'chance that a handler does not answer'),
    'answer-twice': field('share', 'answeringTwice', 'chance that it answers once more, and else'),
  },
  agent: {
    'reconnect-max': field('duration', 'reconnectMaxMs', 'the longest pause before it tries again'),
    retention: field('duration', 'keepMs', 'how long it keeps what has ended and the ledger has'),
    'kill-at-commit': field('share', 'killAtCommit', 'chance that it is killed around a sync'),
    'kill-at-await': field('share', 'killAtAwait', 'chance that it is killed at an await'),
  },
  gateway: {
    instances: field('count', 'gateways', 'how many there are, on one ledger'),
    'report-every': field('duration', 'reportEveryMs', 'how often it asks devices for a report'),
    'kill-at-await': field('share', 'gatewayKillAtPoint', 'chance that it is killed at an await'),
  },
  broker: {
    drop: field('share', 'drop', 'share of messages that it loses'),
    duplicate: field('share', 'duplicate', 'share that comes twice'),
    reorder: field('share', 'delay', 'share that later ones overtake'),
    corrupt: field('share', 'corrupt', 'share in which a bit is flipped'),
    cut: field('share', 'cut', 'share in the middle of which the connection ends'),
    forge: field('share', 'forging', 'share that a stranger answers with a forged message'),
  },
};
