import { resolve } from 'node:path';
import {
  contextJson,
  contextNamed,
  contextsPath,
  contextsScreen,
  withContext,
  withCurrent,
  withoutContext,
  type Contexts,
} from '@holdfast/protocol';
import type { Command } from 'commander';
import { readContexts, writeContexts } from './context-file.ts';
import { debugOption, outputOption, readUrl, usage, type CommonOptions } from './options.ts';
import { createTerminal } from './terminal.ts';

const about = `
A context is a name for what is talked to, so that it need not be typed: a gateway for
holdfast-gateway, an agent for holdfast. The file is ~/.config/holdfast/contexts.json, or below
XDG_CONFIG_HOME; it has paths and addresses, and never a token or a password.

--url, --data-dir and --ledger go before --context, that before HOLDFAST_LEDGER, and this before
HOLDFAST_CONTEXT and the context in use.

Examples:
  holdfast-gateway context set prod --url https://gw.example:8080 --token-file ci.token --use
  holdfast-gateway context ls
  holdfast-gateway devices --context prod
  holdfast-gateway context rm prod`;

/** Names for gateways. The file is that of `holdfast`, which goes by another part of it. */
export function addContext(program: Command): void {
  const context = program
    .command('context')
    .description('Name gateways, to talk to them by their names')
    .addHelpText('after', about);
  context
    .command('ls')
    .description('List the contexts, and which one is in use')
    .addOption(outputOption())
    .addOption(debugOption())
    .action(({ output }: CommonOptions) => {
      const terminal = createTerminal(output);
      const asked = { isJson: output === 'json', screen: terminal };
      const { env } = process;
      terminal.print(contextsScreen(readContexts(env), contextsPath(env), asked));
    });
  addSet(context);
  addNamed(context, {
    verb: 'use',
    description: 'Go by a context from now on',
    edit: withCurrent,
    done: (name) => `${name} is in use`,
  });
  addNamed(context, {
    verb: 'rm',
    description: 'Forget a context; nothing of what it names is touched',
    edit: withoutContext,
    done: (name) => `forgot ${name}`,
  });
}

interface SetOptions extends CommonOptions {
  readonly url?: URL;
  readonly tokenFile?: string;
  readonly tlsCa?: string;
  readonly dataDir?: string;
  readonly ledgerFile?: string;
  readonly use?: true;
}

function addSet(context: Command): void {
  context
    .command('set')
    .description('Make a context, or name another gateway by one')
    .argument('<context>', 'its name')
    .option('--url <url>', 'address of the HTTP API of a running gateway', readUrl)
    .option('--token-file <file>', 'file with an API token for --url')
    .option('--tls-ca <file>', 'PEM: what to trust of --url')
    .option('--data-dir <dir>', 'data directory of a gateway on this machine')
    .option('--ledger-file <file>', 'file with the address of a ledger')
    .option('--use', 'go by it from now on')
    .addOption(outputOption())
    .addOption(debugOption())
    .addHelpText('after', about)
    .action((name: string, options: SetOptions) => {
      const part = partOf(options);
      const made = withContext(readContexts(process.env), name, { side: 'gateway', part });
      const all = options.use === true ? withCurrent(made, name) : made;
      writeContexts(process.env, all);
      const text = options.use === true ? `${name} is in use` : `set ${name}`;
      tell(options, { name, all, text });
    });
}

/** Paths are kept as they are from everywhere. @throws HF_USAGE */
function partOf(options: SetOptions): Readonly<Record<string, string>> {
  const { url, tokenFile, tlsCa, dataDir, ledgerFile } = options;
  if ([url, dataDir, ledgerFile].filter((each) => each !== undefined).length !== 1) {
    throw usage('give one of --url, --data-dir and --ledger-file');
  }
  if (url === undefined && (tokenFile ?? tlsCa) !== undefined) {
    throw usage('--token-file and --tls-ca are for --url');
  }
  if (url !== undefined && `${url.username}${url.password}` !== '') {
    throw usage('a password in --url would lie in the file: name a file with --token-file');
  }
  const paths = {
    ...{ 'token-file': tokenFile, 'tls-ca': tlsCa, 'data-dir': dataDir },
    'ledger-file': ledgerFile,
  };
  const given = Object.entries(paths).flatMap(([option, path]) => {
    if (path === '') throw usage(`--${option} is empty`);
    return path === undefined ? [] : [[option, resolve(path)] as const];
  });
  return Object.fromEntries([...(url === undefined ? [] : [['url', url.href] as const]), ...given]);
}

interface Verb {
  readonly verb: string;
  readonly description: string;
  readonly edit: (all: Contexts, name: string) => Contexts;
  readonly done: (name: string) => string;
}

function addNamed(context: Command, { verb, description, edit, done }: Verb): void {
  context
    .command(verb)
    .description(description)
    .argument('<context>', 'its name')
    .addOption(outputOption())
    .addOption(debugOption())
    .action((name: string, options: CommonOptions) => {
      const before = readContexts(process.env);
      const all = edit(before, name);
      writeContexts(process.env, all);
      tell(options, { name, all: told(before, all), text: done(name) });
    });
}

/** One that is gone is told as it was, and not in use any more. */
function told(before: Contexts, after: Contexts): Contexts {
  return after.contexts.length < before.contexts.length ? { ...before, current: null } : after;
}

function tell(
  { output }: CommonOptions,
  { name, all, text }: { readonly name: string; readonly all: Contexts; readonly text: string },
): void {
  const json = output === 'json' ? contextJson(contextNamed(all, name), all) : undefined;
  createTerminal(output).print(json ?? text);
}
