import { gatewayTopics, topicOf } from '@holdfast/protocol';
import type { Terminal } from './terminal.ts';

export interface BrokerConfigOptions {
  readonly port: number;
  readonly ca: string;
  readonly cert: string;
  readonly key: string;
  readonly aclFile: string;
  /** Common name of the certificate that the gateway shows. */
  readonly gateway: string;
}

export const brokerFiles = ['mosquitto.conf', 'mosquitto.acl'] as const;

/** Prints what a broker needs to be one for Holdfast: each device has its own topics only. */
export function brokerConfig(
  file: (typeof brokerFiles)[number],
  options: BrokerConfigOptions,
  terminal: Terminal,
): void {
  terminal.print((file === 'mosquitto.conf' ? mosquittoConf : mosquittoAcl)(options).join('\n'));
}

function mosquittoConf(options: BrokerConfigOptions): readonly string[] {
  return [
    '# Mosquitto for Holdfast: whoever connects shows a certificate whose common name is the id',
    '# of the device. Made by holdfast-gateway broker-config.',
    `listener ${options.port}`,
    `cafile ${options.ca}`,
    `certfile ${options.cert}`,
    `keyfile ${options.key}`,
    'require_certificate true',
    'use_identity_as_username true',
    '# Nobody pushes another one off by its client id.',
    'use_username_as_clientid true',
    'allow_anonymous false',
    `acl_file ${options.aclFile}`,
    '# Four times the largest message.',
    'max_packet_size 262144',
    '# What matters is in the ledger and on the devices.',
    'persistence false',
  ];
}

function mosquittoAcl({ gateway }: BrokerConfigOptions): readonly string[] {
  // The broker puts the name of the user where %u stands.
  const own = (channel: 'up' | 'down' | 'state') => topicOf('%u', channel);
  return [
    '# Each device publishes to its own topics and reads its own; the gateway has all of them.',
    `pattern write ${own('up')}`,
    `pattern write ${own('state')}`,
    `pattern read ${own('down')}`,
    `user ${gateway}`,
    ...gatewayTopics.map((topic) => `topic read ${topic}`),
    `topic write ${topicOf('+', 'down')}`,
    '# Where several gateways look whether the broker shares out what they subscribe to.',
    'topic readwrite holdfast/1/+/check',
  ];
}
