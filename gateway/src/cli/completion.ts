import {
  completionAbout,
  completionScript,
  completionShells,
  completionWords,
  type CompletionPlace,
  type CompletionShell,
} from '@holdfast/protocol';
import { Argument, type Command } from 'commander';
import { readContexts } from './context-file.ts';
import { eachDevice } from './devices.ts';
import { withFleet, type SourceOptions } from './fleet-source.ts';

const about = `${completionAbout('holdfast-gateway')}
Completes commands, options and their choices, and the ids of devices of the gateway that --data-dir
names, or --url with HOLDFAST_TOKEN_FILE, or the context in use; and the names of contexts.
`;

/** Somebody waits with a finger on a key. */
const ANSWER_MS_MAX = 300;
const IDS_SHOWN = 100;

export function addCompletion(program: Command): void {
  const completion = program
    .command('completion')
    .description('Print a script that completes commands in a shell')
    .addArgument(new Argument('<shell>').choices(completionShells))
    .addHelpText('after', about)
    .action((shell: CompletionShell) => {
      process.stdout.write(`${completionScript('holdfast-gateway', shell)}\n`);
    });
  completion
    .command('words', { hidden: true })
    .argument('[words...]')
    .action(async (words: readonly string[]) => {
      const found = await completionWords(program, words, idsOf);
      if (found.length > 0) process.stdout.write(`${found.join('\n')}\n`);
    });
}

/** Nothing when no gateway answers soon: completing is no place for an error. */
async function idsOf({ name, prefix, before }: CompletionPlace): Promise<readonly string[]> {
  if (name === 'context' || name === '--context') return contextNames();
  if (name !== 'device' && name !== '--device') return [];
  const source = sourceOf(before);
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<readonly string[]>((resolve) => {
    timer = setTimeout(() => resolve([]), ANSWER_MS_MAX);
  });
  const asked = withFleet(source, async (fleet) => {
    const ids: string[] = [];
    for await (const { device } of eachDevice(fleet)) {
      if (device.startsWith(prefix)) ids.push(device);
      if (ids.length === IDS_SHOWN) break;
    }
    return ids;
  });
  const ids = await Promise.race([asked.catch(() => []), late]);
  clearTimeout(timer);
  return ids;
}

function contextNames(): readonly string[] {
  try {
    return readContexts(process.env).contexts.map(({ name }) => name);
  } catch {
    return [];
  }
}

/** The gateway that was named before, or the one that is in use. */
function sourceOf(before: readonly string[]): SourceOptions {
  const valueOf = (option: string): string | undefined => {
    const at = before.indexOf(option);
    return at === -1 ? undefined : before[at + 1];
  };
  const dataDir = valueOf('--data-dir');
  if (dataDir !== undefined) return { dataDir };
  const url = valueOf('--url') ?? '';
  const tokenFile = valueOf('--token-file') ?? process.env['HOLDFAST_TOKEN_FILE'];
  const context = valueOf('--context');
  if (!URL.canParse(url)) return context === undefined ? {} : { context };
  return { url: new URL(url), ...(tokenFile === undefined ? {} : { tokenFile }) };
}
