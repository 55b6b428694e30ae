import { gatewayTopics, topicOf } from '@holdfast/protocol';
import type { Terminal } from './terminal.ts';

export interface BrokerConfigOptions {
  readonly port: number;
  readonly ca: string;
  readonly cert: string;
  readonly key: string;
  readonly aclFile: string;
  /** List of revoked certificates. */
  readonly crl?: string;
  /** Common name of the certificate that the gateway shows. */
  readonly gateway: string;
  /** URL of the gateway's HTTP API. */
  readonly api: string;
}

export const brokerFiles = ['mosquitto.conf', 'mosquitto.acl', 'emqx.conf', 'emqx.acl'] as const;

const makers = {
  'mosquitto.conf': mosquittoConf,
  'mosquitto.acl': mosquittoAcl,
  'emqx.conf': emqxConf,
  'emqx.acl': emqxAcl,
} as const;

/** Prints what a broker needs to be one for Holdfast: each device has its own topics only. */
export function brokerConfig(
  file: (typeof brokerFiles)[number],
  options: BrokerConfigOptions,
  terminal: Terminal,
): void {
  terminal.print(makers[file](options).join('\n'));
}

function mosquittoConf(options: BrokerConfigOptions): readonly string[] {
  return [
    '# Mosquitto for Holdfast: whoever connects shows a certificate whose common name is the id',
    '# of the device. Made by holdfast-gateway broker-config.',
    `listener ${options.port}`,
    `cafile ${options.ca}`,
    `certfile ${options.cert}`,
    `keyfile ${options.key}`,
    ...(options.crl === undefined ? [] : [`crlfile ${options.crl}`]),
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

/** EMQX asks the gateway who is a device, and what it may do. */
function emqxConf({ api, ca }: BrokerConfigOptions): readonly string[] {
  const asking = (path: string) => [
    '    method = post',
    `    url = "${new URL(path, api).href}"`,
    '    headers { "content-type" = "application/json", authorization = "Bearer API-TOKEN" }',
    ...(api.startsWith('https:')
      ? [`    ssl { enable = true, verify = verify_peer, cacertfile = "${ca}" }`]
      : []),
  ];
  return [
    '# EMQX 5 for Holdfast: it asks the gateway who is a device, by the signature that is the',
    '# password. In the place of API-TOKEN: holdfast-gateway token create emqx --role viewer.',
    '# Made by holdfast-gateway broker-config.',
    'authentication = [',
    '  {',
    '    mechanism = password_based',
    '    backend = http',
    ...asking('/api/mqtt/authenticate'),
    '    body { clientid = "${clientid}", username = "${username}", password = "${password}"',
    '           peerhost = "${peerhost}" }',
    '  }',
    '  # For the gateway, which is no device: a user of this database.',
    '  { mechanism = password_based, backend = built_in_database, user_id_type = username }',
    ']',
    'authorization {',
    '  no_match = deny',
    '  deny_action = disconnect',
    '  sources = [',
    '  {',
    '    type = http',
    ...asking('/api/mqtt/authorize'),
    '    body { clientid = "${clientid}", username = "${username}", topic = "${topic}"',
    '           action = "${action}", qos = "${qos}" }',
    '  }',
    '  { type = file, path = "etc/acl.conf" }',
    '  ]',
    '}',
  ];
}

function emqxAcl({ gateway }: BrokerConfigOptions): readonly string[] {
  const user = `{username, "${gateway}"}`;
  const topics = (...all: readonly string[]) => `[${all.map((each) => `"${each}"`).join(', ')}]`;
  const shared = gatewayTopics.map((topic) => `$share/holdfast/${topic}`);
  return [
    '%% The gateway has the topics of all devices; what nobody allows is denied.',
    `{allow, ${user}, subscribe, ${topics(...gatewayTopics, ...shared)}}.`,
    `{allow, ${user}, publish, ${topics(topicOf('+', 'down'))}}.`,
    '%% Where several gateways look whether the broker shares out what they subscribe to.',
    `{allow, ${user}, all, ${topics('holdfast/1/+/check', '$share/+/holdfast/1/+/check')}}.`,
    '{deny, all}.',
  ];
}
