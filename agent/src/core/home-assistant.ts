import type { StatusView } from './views.ts';

/** A message that its broker keeps. */
export interface KeptMessage {
  readonly topic: string;
  readonly payload: string;
}

/** Where Home Assistant says `online` when it begins, and wants to be told of everything again. */
export const BIRTH_TOPIC = 'homeassistant/status';

/** Says `online` or, by the broker's own hand, `offline`. */
export function availabilityTopic(device: string): string {
  return `holdfast/home-assistant/${device}/availability`;
}

export function stateTopic(device: string): string {
  return `holdfast/home-assistant/${device}/state`;
}

interface Shown {
  readonly kind: 'sensor' | 'binary_sensor';
  readonly id: string;
  readonly name: string;
  /** How Home Assistant finds it in the state. */
  readonly template: string;
  readonly more: Readonly<Record<string, string>>;
}

const onOff = (field: string): string => `{{ 'ON' if value_json.${field} else 'OFF' }}`;

const shown: readonly Shown[] = [
  {
    ...{ kind: 'binary_sensor', id: 'link', name: 'Gateway' },
    ...{ template: onOff('connected'), more: { device_class: 'connectivity' } },
  },
  {
    ...{ kind: 'sensor', id: 'backlog', name: 'Backlog', template: '{{ value_json.backlog }}' },
    more: { unit_of_measurement: 'entries', state_class: 'measurement', icon: 'mdi:tray-full' },
  },
  {
    ...{ kind: 'sensor', id: 'acknowledged', name: 'Last acknowledged' },
    ...{ template: '{{ value_json.acknowledgedAt }}', more: { device_class: 'timestamp' } },
  },
  {
    ...{ kind: 'sensor', id: 'stuck', name: 'Stuck runs', template: '{{ value_json.stuck }}' },
    more: { unit_of_measurement: 'runs', state_class: 'measurement', icon: 'mdi:account-alert' },
  },
  {
    ...{ kind: 'binary_sensor', id: 'problem', name: 'Problem' },
    ...{ template: onOff('problem'), more: { device_class: 'problem' } },
  },
];

/** What tells Home Assistant which entities a device has. */
export function discovery(device: string, version: string): readonly KeptMessage[] {
  return shown.map(({ kind, id, name, template, more }) => ({
    topic: `homeassistant/${kind}/holdfast-${device}/${id}/config`,
    payload: JSON.stringify({
      ...{ name, unique_id: `holdfast-${device}-${id}`, value_template: template, ...more },
      ...{ state_topic: stateTopic(device), availability_topic: availabilityTopic(device) },
      device: { identifiers: [`holdfast-${device}`], name: device, sw_version: version },
      origin: { name: 'Holdfast', sw_version: version },
    }),
  }));
}

/** What the entities show: no names of runs, no values. */
export function stateOf({ link, backlog, runs, problems }: StatusView): string {
  return JSON.stringify({
    connected: link.state === 'synced' || link.state === 'syncing',
    backlog: backlog.pending,
    acknowledgedAt: link.lastAckAt,
    stuck: runs.stuck ?? 0,
    problem: problems.length > 0,
  });
}
