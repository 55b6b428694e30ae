import type { Shell } from './shell.ts';
import { showBacklog, showStatus, type ShowFlags } from './show.ts';

type Show = (shell: Shell, flags: ShowFlags) => Promise<void>;

/** What people and scripts ask for all the time. */
const shows: Readonly<Record<string, Show>> = { status: showStatus, backlog: showBacklog };

/** Options of these commands, each with a value, and the values if not all will do. */
const options: Readonly<Record<string, readonly [keyof ShowFlags, values?: readonly string[]]>> = {
  '--socket': ['socket'],
  '--data-dir': ['dataDir'],
  '--store-key-file': ['storeKeyFile'],
  '--context': ['context'],
  '--output': ['output', ['text', 'json', 'jsonl']],
  '-o': ['output', ['text', 'json', 'jsonl']],
};

/**
 * What does what a plain line asks for: one of the commands of every day with nothing but options
 * that have their values beside them. `undefined`: the line is for the parser of all command lines,
 * which also knows what to say of a wrong one; to load it takes longer than the answer.
 */
export function plainLine(args: readonly string[]): ((shell: Shell) => Promise<void>) | undefined {
  const [name = '', ...words] = args;
  const show = Object.hasOwn(shows, name) ? shows[name] : undefined;
  const flags: Partial<Record<keyof ShowFlags, string>> = {};
  for (let at = 0; at < words.length; at += 2) {
    const [option = '', value] = [words[at], words[at + 1]];
    const known = Object.hasOwn(options, option) ? options[option] : undefined;
    if (known === undefined || value === undefined || value.startsWith('-')) return undefined;
    const [flag, values] = known;
    if (values?.includes(value) === false) return undefined;
    flags[flag] = value;
  }
  // Each value that has a type of its own is one of that type.
  return show && ((shell) => show(shell, flags as ShowFlags));
}
