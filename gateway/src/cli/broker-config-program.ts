import { Argument, InvalidArgumentError, Option, type Command } from 'commander';
import { brokerConfig, brokerFiles, type BrokerConfigOptions } from './broker-config.ts';
import { debugOption, integer, readUrl } from './options.ts';
import { createTerminal } from './terminal.ts';

const API_DEFAULT = 'https://gateway.example:8080';

/** Adds the command that writes what a broker is to be told. */
export function addBrokerConfig(program: Command): void {
  program
    .command('broker-config')
    .description('Print the configuration of a broker that lets in devices of this gateway')
    .addArgument(new Argument('<file>', 'which one').choices(brokerFiles))
    .addOption(
      new Option('--port <port>', 'of the broker').argParser(integer(1, 65_535)).default(8_883),
    )
    .option('--ca <file>', 'PEM: the CA of the devices', quotable, '/etc/mosquitto/ca.pem')
    .option('--cert <file>', 'PEM: what the broker shows', quotable, '/etc/mosquitto/broker.pem')
    .option('--key <file>', 'PEM: its private key', quotable, '/etc/mosquitto/broker.key')
    .option('--acl-file <file>', 'where mosquitto.acl is', quotable, '/etc/mosquitto/holdfast.acl')
    .option('--crl <file>', 'PEM: certificates that are revoked, as `ca crl` prints them', quotable)
    .option('--gateway <name>', 'by which the broker knows the gateway', quotable, 'gateway')
    .option('--api <url>', 'of the gateway, as EMQX reaches it', addressText, API_DEFAULT)
    .addOption(debugOption())
    .addHelpText('after', brokerConfigExamples)
    .action((file: (typeof brokerFiles)[number], options: BrokerConfigOptions) =>
      brokerConfig(file, options, createTerminal('text')),
    );
}

const brokerConfigExamples = `
Mosquitto knows a device by the common name of its certificate; EMQX asks the gateway. Either way a
device gets its own topics only. An option that a file has no place for changes nothing in it: the
same ones may be given for all files of a broker.

Examples:
  holdfast-gateway broker-config mosquitto.conf > /etc/mosquitto/conf.d/holdfast.conf
  holdfast-gateway broker-config mosquitto.acl > /etc/mosquitto/holdfast.acl
  holdfast-gateway broker-config emqx.conf --api https://gw.example:8080`;

/** What can stand in a line of these files, and between quotes. */
function quotable(text: string): string {
  if (text !== '' && !/[\p{Cc}\p{Cs}"\\]/u.test(text)) return text;
  throw new InvalidArgumentError('It is empty, or has quotes, backslashes or control characters.');
}

function addressText(text: string): string {
  return readUrl(quotable(text)).href;
}
