import { brokerProfileNames, mqttVersions, type ExitCode, type LogLevel } from '@holdfast/protocol';
import { Option, type Command } from 'commander';
import { applyConfig } from './config-file.ts';
import {
  append,
  debugOption,
  integer,
  ledgerFileOption,
  ledgerOption,
  outputOption,
  type CommonOptions,
} from './options.ts';
import { checkServe, HTTP_PORT_DEFAULT, serve, type ServeFlags } from './serve.ts';
import { createTerminal } from './terminal.ts';

const logLevels: readonly LogLevel[] = ['error', 'info', 'debug'];

const serveExamples = `
On other addresses than loopback there is TLS, with a certificate of the gateway's own authority
unless files are given: \`holdfast enroll\` has devices trust it.
An option goes before its line in the file of --config.

Examples:
  holdfast-gateway serve --data-dir ./gateway
  holdfast-gateway serve --data-dir ./gateway --mqtt-port 0 --http-port 0 -o json
  holdfast-gateway serve --data-dir ./gateway --host 0.0.0.0 --tls-name gw.example
  holdfast-gateway serve --data-dir ./gateway --host 0.0.0.0 --tls-cert cert.pem --tls-key key.pem
  holdfast-gateway serve --data-dir ./gateway --handler mail.send=http://127.0.0.1:9000/mail
  holdfast-gateway serve --config /etc/holdfast/gateway.toml
  holdfast-gateway serve --data-dir ./gateway --handlers ./handlers.mjs \\
    --handler-policy mail.send:timeout=10s,concurrency=2,rate=100/1m,attempts=20`;

export function addServe(program: Command, onExit: (code: ExitCode) => void): void {
  const command = program
    .command('serve')
    .alias('run')
    .description('Run a gateway: a broker for devices, the ledger, handlers and the HTTP API');
  addWork(addPlaces(command))
    .addOption(outputOption())
    .addOption(debugOption())
    .addHelpText('after', serveExamples)
    .action(async (flags: ServeFlags & CommonOptions, self: Command) => {
      if (flags.config !== undefined) await applyConfig(self, flags.config);
      const options = checkServe(self.opts<ServeFlags>());
      onExit(await serve(options, createTerminal(flags.output)));
    });
}

/** Where it is, and where it keeps what. */
function addPlaces(command: Command): Command {
  return command
    .addOption(
      new Option('--config <file>', 'TOML with any of these, by their names').env(
        'HOLDFAST_GATEWAY_CONFIG',
      ),
    )
    .option('--data-dir <dir>', 'where the ledger and the key of the gateway are kept; required')
    .addOption(
      new Option(
        '--mqtt-port <port>',
        'port for devices, by MQTT or WebSocket; 0: any (default: 1883, with TLS 8883)',
      ).argParser(integer(0, 65_535)),
    )
    .addOption(
      new Option('--http-port <port>', 'port of the HTTP API; 0: any')
        .argParser(integer(0, 65_535))
        .default(HTTP_PORT_DEFAULT),
    )
    .option('--host <address>', 'address to listen on', '127.0.0.1')
    .option('--broker <url>', 'use this MQTT broker instead of a built-in one')
    .addOption(brokerProfileOption())
    .addOption(mqttVersionOption())
    .addOption(ledgerOption())
    .addOption(ledgerFileOption())
    .option('--tls-cert <file>', 'PEM: certificate that devices see, or that --broker sees')
    .option('--tls-key <file>', 'PEM: its private key')
    .option('--tls-ca <file>', 'PEM: what to trust of --broker, or devices of the built-in one')
    .option('--http-cert <file>', 'PEM: certificate of the HTTP API; default: --tls-cert')
    .option('--http-key <file>', 'PEM: its private key; default: --tls-key')
    .addOption(
      new Option(
        '--enrollment <mode>',
        'whether a device must be enrolled; default: required where other machines can connect',
      ).choices(['open', 'required']),
    );
}

/** Whom it lets in, and what it does for them. */
function addWork(command: Command): Command {
  return command
    .option('--tls-name <host>', 'of this machine, for its own certificate; repeatable', append)
    .option('--require-certificate', 'take devices only by certificates, not by signatures')
    .option('--certificate-life <duration>', 'how long those of devices are valid, 1h to 30y')
    .option('--insecure', 'take devices and requests from other machines without TLS')
    .option('--handler <name=url>', 'POST the calls of a service to a URL; repeatable', append)
    .option('--handlers <file>', 'ES module that exports `handlers`, a function for each service')
    .option(
      '--handler-policy <name:settings>',
      'such as mail.send:timeout=10s,rate=5/s; repeatable',
      append,
    )
    .option(
      '--retention <rule>',
      "what is kept how long, such as '30d workflow=checkout'; repeatable (default: for ever)",
      append,
    )
    .option(
      '--keep-commands <duration>',
      'how long commands are kept once they are answered, or `forever`',
      '90d',
    )
    .option('--region <name>', 'refuse devices whose tag `region` is another one')
    .option('--webhook-allow-private', 'let webhooks go to private addresses, and without TLS')
    .option('--report-every <duration>', 'how often devices tell how they are, 1s to 1h', '5s')
    .addOption(
      new Option('--connects-per-s <number>', 'devices that connect in a second at most')
        .default(500)
        .argParser(integer(1, 10_000)),
    )
    .addOption(
      new Option('--log-format <format>', 'of the log on stderr')
        .choices(['text', 'json'])
        .default('text'),
    )
    .addOption(new Option('--log-level <level>', 'of the log').choices(logLevels).default('info'));
}

function brokerProfileOption(): Option {
  const what = 'whose limits --broker has (default: generic)';
  return new Option('--broker-profile <name>', what).choices(brokerProfileNames);
}

function mqttVersionOption(): Option {
  const what = 'what --broker speaks (default: 3.1.1)';
  return new Option('--mqtt-version <number>', what).choices(mqttVersions);
}
