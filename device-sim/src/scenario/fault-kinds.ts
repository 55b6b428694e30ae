/** A quantity that a kind of fault takes besides when and how long. */
export interface FaultParam {
  readonly type: 'duration' | 'share' | 'number';
  /** In ms for a duration. */
  readonly usual: number;
  readonly about: string;
}

export interface FaultKindFacts {
  readonly of: 'device' | 'fleet';
  readonly about: string;
  /** A fleet of real processes can have it too. */
  readonly isReal: boolean;
  readonly params: Readonly<Record<string, FaultParam>>;
}

const SECOND = 1_000;
const HOUR = 3_600_000;

const device = (about: string, isReal = false, params: FaultKindFacts['params'] = {}) =>
  ({ of: 'device', about, isReal, params }) as const;
const fleet = (about: string, isReal = false, params: FaultKindFacts['params'] = {}) =>
  ({ of: 'fleet', about, isReal, params }) as const;

/** Everything that a scenario may let happen, by the name that its file uses. */
export const faultKinds = {
  outage: device('its link is down, and it is told', true),
  'one-way': device('what goes up, or what comes down, vanishes, and nobody is told', true),
  'half-open': device('its connection is dead, and nobody is told', true),
  'slow-link': device('its link is narrow and long', true, {
    kbit: { type: 'number', usual: 9.6, about: 'kbit/s that it carries' },
    latency: { type: 'duration', usual: 600, about: 'how long each byte is on its way' },
  }),
  kill: device('its process is killed, or its power cut, and starts again', true),
  'restart-storm': device('its process is killed again as soon as it is there', false, {
    after: { type: 'duration', usual: 2 * SECOND, about: 'how long it lives each time, at most' },
  }),
  pause: device('its process stands still, as by SIGSTOP', true),
  'slow-disk': device('its disk takes long to sync', false, {
    sync: { type: 'duration', usual: 5 * SECOND, about: 'the longest sync' },
  }),
  'full-disk': device('no byte more fits on its disk'),
  'failing-disk': device('syncs of its disk fail now and then', false, {
    share: { type: 'share', usual: 0.2, about: 'of syncs that fail' },
  }),
  'bit-rot': device('a bit of an entry on its disk flips, and in the end it starts again'),
  'clock-jump': device('its wall clock is set, either way', false, {
    by: { type: 'duration', usual: 2 * HOUR, about: 'by as much at most' },
  }),
  'clock-drift': device('its wall clock runs ahead', false, {
    'per-hour': { type: 'duration', usual: 60 * SECOND, about: 'how far in an hour' },
  }),
  rewind: device('its disk is set back to what it was when this began'),
  clone: device('a second machine starts with its disk and its identity, and is switched off'),
  'clock-1970': device('it starts without knowing what year it is'),
  'city-outage': fleet('the links of all devices are down', true),
  'broker-down': fleet('the broker is away'),
  'gateway-kill': fleet('a gateway is killed, and starts again', true),
  'ledger-restore': fleet('the ledger is set back to a backup of when this began', false, {
    torn: { type: 'share', usual: 0, about: 'of backups that were not written to their end' },
  }),
} as const satisfies Readonly<Record<string, FaultKindFacts>>;

export type FaultKind = keyof typeof faultKinds;

export function isFaultKind(name: string): name is FaultKind {
  return Object.hasOwn(faultKinds, name);
}

export function factsOf(kind: FaultKind): FaultKindFacts {
  return faultKinds[kind];
}
