import { topicOf } from '@holdfast/protocol';
import type { BrokerRefusals } from './broker-refusals.ts';
import type { Door } from './door.ts';
import { deviceOfClient, mayPublish, maySubscribe } from './topic-rules.ts';

/** What a broker asks about somebody who connects. */
export interface HookClient {
  readonly clientid: string;
  readonly username: string;
  readonly password: string;
  readonly peerhost: string;
}

/** What a broker asks about what somebody wants to do. */
export interface HookAction {
  readonly clientid: string;
  readonly username: string;
  readonly topic: string;
  readonly action: 'publish' | 'subscribe';
  /** As a number or its text: brokers differ. */
  readonly qos: unknown;
}

/** `ignore`: it is no device, and for the broker's other rules. */
export type HookResult = 'allow' | 'deny' | 'ignore';

export interface HookAdmission {
  readonly result: HookResult;
  readonly is_superuser: false;
  /** What the client may do; a broker that takes it asks no more. */
  readonly acl: readonly {
    readonly permission: 'allow' | 'deny';
    readonly action: 'publish' | 'subscribe' | 'all';
    readonly topic: string;
    readonly qos?: readonly number[];
  }[];
}

/** Answers a broker that asks by HTTP, by the rules of the embedded one. */
export class MqttHook {
  readonly #door: Door;
  readonly #refusals: BrokerRefusals;

  constructor(door: Door, refusals: BrokerRefusals) {
    this.#door = door;
    this.#refusals = refusals;
  }

  async admission({ clientid, username, password, peerhost }: HookClient): Promise<HookAdmission> {
    const device = deviceAt(clientid, username);
    if (device === undefined) return { result: 'ignore', is_superuser: false, acl: [] };
    const turned = await this.#door.turns({ device, password }, peerhost);
    const result = turned === undefined ? 'allow' : 'deny';
    return { result, is_superuser: false, acl: turned === undefined ? aclOf(device) : [] };
  }

  action({ clientid, username, topic, action, qos }: HookAction): { readonly result: HookResult } {
    const device = deviceAt(clientid, username);
    if (device === undefined) return { result: 'ignore' };
    const isPublish = action === 'publish';
    const may = isPublish
      ? mayPublish(device, { topic, qos: Number(qos) })
      : maySubscribe(device, topic);
    if (!may) this.#refusals.add(action);
    return { result: may ? 'allow' : 'deny' };
  }
}

/** An agent has its id as the user's name: others that connect are none of ours. */
function deviceAt(clientid: string, username: string): string | undefined {
  const device = deviceOfClient(clientid);
  return device === username ? device : undefined;
}

function aclOf(device: string): HookAdmission['acl'] {
  // EMQX takes a topic behind `eq` for itself, and not for a pattern.
  const own = (channel: 'up' | 'down' | 'state') => `eq ${topicOf(device, channel)}`;
  const publish = { permission: 'allow', action: 'publish', qos: [1] } as const;
  return [
    { ...publish, topic: own('up') },
    { ...publish, topic: own('state') },
    { permission: 'allow', action: 'subscribe', topic: own('down') },
    { permission: 'deny', action: 'all', topic: '#' },
  ];
}
