import { resolve } from 'node:path';
import {
  contextJson,
  contextNamed,
  contextOptions,
  contextsPath,
  contextsScreen,
  HoldfastError,
  withContext,
  withCurrent,
  withoutContext,
  type Contexts,
} from '@holdfast/protocol/base';
import type { Command } from 'commander';
import { readContexts, writeContexts } from './context-file.ts';
import type { NamedTarget } from './context-target.ts';
import { formatOption, type Format } from './output-format.ts';
import type { Shell } from './shell.ts';
import { checkKeyUse, nonEmpty } from './target.ts';

interface Flags {
  readonly output: Format;
}

const about = `
A context is a name for what is talked to, so that it need not be typed: an agent for holdfast, a
gateway for holdfast-gateway. The file is ~/.config/holdfast/contexts.json, or below
XDG_CONFIG_HOME; it has paths and addresses, and never a secret.

--socket and --data-dir go before --context, that before HOLDFAST_SOCKET and HOLDFAST_DATA_DIR, and
these before HOLDFAST_CONTEXT and the context in use.

Examples:
  holdfast context set lab --socket /run/holdfast/agent.sock --use
  holdfast context ls
  holdfast status --context lab
  holdfast context rm lab
`;

export function addContext(program: Command, shell: Shell): void {
  const context = program
    .command('context')
    .description('Name agents, to talk to them by their names.')
    .addHelpText('after', about);
  context
    .command('ls')
    .description('List the contexts, and which one is in use.')
    .addOption(formatOption())
    .addHelpText('after', about)
    .action(({ output }: Flags) => {
      const asked = { isJson: output === 'json', screen: shell };
      shell.print(contextsScreen(readContexts(shell.env), contextsPath(shell.env), asked));
    });
  addSet(context, shell);
  addNamed(context, shell, {
    verb: 'use',
    description: 'Go by a context from now on.',
    edit: withCurrent,
    done: (name) => `${name} is in use`,
  });
  addNamed(context, shell, {
    verb: 'rm',
    description: 'Forget a context. Nothing of what it names is touched.',
    edit: withoutContext,
    done: (name) => `forgot ${name}`,
  });
}

function addSet(context: Command, shell: Shell): void {
  context
    .command('set')
    .description('Make a context, or name another agent by one.')
    .argument('<context>', 'its name')
    .option('--socket <path>', 'socket of the agent')
    .option('--data-dir <dir>', 'data directory of the agent')
    .option('--store-key-file <path>', 'key of an encrypted store')
    .option('--use', 'go by it from now on')
    .addOption(formatOption())
    .addHelpText('after', about)
    .action((name: string, flags: Flags & NamedTarget & { readonly use?: true }) => {
      const values = [flags.socket, flags.dataDir, flags.storeKeyFile];
      const given = contextOptions.device.flatMap((option, index) => {
        const path = nonEmpty(`--${option}`, values[index]);
        return path === undefined ? [] : [[option, resolve(path)] as const];
      });
      if (flags.socket === undefined && flags.dataDir === undefined) {
        throw new HoldfastError('HF_USAGE', { why: 'give --socket PATH or --data-dir DIR' });
      }
      checkKeyUse(flags);
      const part = Object.fromEntries(given);
      const made = withContext(readContexts(shell.env), name, { side: 'device', part });
      const all = flags.use === true ? withCurrent(made, name) : made;
      writeContexts(shell.env, all);
      const text = flags.use === true ? `${name} is in use` : `set ${name}`;
      tell(shell, flags, { name, all, text });
    });
}

interface Verb {
  readonly verb: string;
  readonly description: string;
  readonly edit: (all: Contexts, name: string) => Contexts;
  readonly done: (name: string) => string;
}

function addNamed(context: Command, shell: Shell, { verb, description, edit, done }: Verb): void {
  context
    .command(verb)
    .description(description)
    .argument('<context>', 'its name')
    .addOption(formatOption())
    .addHelpText('after', about)
    .action((name: string, flags: Flags) => {
      const before = readContexts(shell.env);
      const all = edit(before, name);
      writeContexts(shell.env, all);
      tell(shell, flags, { name, all: told(before, all), text: done(name) });
    });
}

/** One that is gone is told as it was, and not in use any more. */
function told(before: Contexts, after: Contexts): Contexts {
  return after.contexts.length < before.contexts.length ? { ...before, current: null } : after;
}

function tell(
  shell: Shell,
  { output }: Flags,
  { name, all, text }: { readonly name: string; readonly all: Contexts; readonly text: string },
): void {
  shell.print(output === 'json' ? contextJson(contextNamed(all, name), all) : text);
}
