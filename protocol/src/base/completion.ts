/** What completing needs to know of a command; those of commander are like this. */
export interface Completable {
  name(): string;
  /** Other names of it, which are taken and not offered. */
  aliases?(): readonly string[];
  readonly commands: readonly Completable[];
  readonly options: readonly {
    readonly long?: string | undefined;
    readonly short?: string | undefined;
    /** Whether it takes a value, which must or may be given. */
    readonly required: boolean;
    readonly optional: boolean;
    readonly argChoices?: readonly string[] | undefined;
  }[];
  readonly registeredArguments: readonly {
    name(): string;
    readonly argChoices?: readonly string[] | undefined;
  }[];
}

export const completionShells = ['bash', 'zsh', 'fish'] as const;
export type CompletionShell = (typeof completionShells)[number];

/** A script that asks `PROGRAM completion words` for the words that fit, one a line. */
export function completionScript(program: string, shell: CompletionShell): string {
  const name = `_${program.replaceAll('-', '_')}`;
  switch (shell) {
    case 'bash':
      return `${name}() {
  local typed=("\${COMP_WORDS[@]:1:COMP_CWORD}")
  mapfile -t COMPREPLY < <(${program} completion words -- "\${typed[@]}" 2>/dev/null)
}
complete -o default -F ${name} ${program}`;
    case 'zsh':
      return `${name}() {
  compadd -- \${(f)"$(${program} completion words -- "\${(@)words[2,CURRENT]}" 2>/dev/null)"}
}
compdef ${name} ${program}`;
    case 'fish':
      return `function ${name}
  ${program} completion words -- (commandline -opc)[2..] (commandline -ct) 2>/dev/null
end
complete -c ${program} -f -a '(${name})'`;
  }
}

/** How to have the scripts of a program read, for its help. */
export function completionAbout(program: string): string {
  return `
Prints a script for a shell. In ~/.bashrc, ~/.zshrc or ~/.config/fish/config.fish:

  source <(${program} completion bash)
  source <(${program} completion zsh)
  ${program} completion fish | source
`;
}

/** A place on the command line, of which only what is there can tell what may stand in it. */
export interface CompletionPlace {
  /** Of the argument, or of the option before it, such as `run` or `--device`. */
  readonly name: string;
  readonly prefix: string;
  /** All that stands before it. */
  readonly before: readonly string[];
}

/**
 * What can stand in the place of the last word.
 *
 * @param find What is known of a place beyond the commands themselves; may take its time.
 */
export async function completionWords(
  program: Completable,
  words: readonly string[],
  find: (place: CompletionPlace) => Promise<readonly string[]>,
): Promise<readonly string[]> {
  const prefix = words.at(-1) ?? '';
  const before = words.slice(0, -1);
  let command = program;
  let given = 0;
  for (const [at, word] of before.entries()) {
    const inner = command.commands.find((each) => each.name() === word);
    const isValue = optionOf(command, before[at - 1] ?? '')?.required === true;
    if (inner !== undefined) command = inner;
    else if (!word.startsWith('-') && !isValue) given += 1;
  }
  const candidates = await candidatesOf(command, { prefix, before, given }, find);
  return candidates.filter((each) => each.startsWith(prefix)).toSorted();
}

interface Typed {
  readonly prefix: string;
  readonly before: readonly string[];
  /** How many arguments were given already. */
  readonly given: number;
}

function optionOf(command: Completable, word: string) {
  return command.options.find((each) => each.long === word || each.short === word);
}

/** Commands that nobody types. */
const unseen: ReadonlySet<string> = new Set(['help', 'words']);

async function candidatesOf(
  command: Completable,
  { prefix, before, given }: Typed,
  find: (place: CompletionPlace) => Promise<readonly string[]>,
): Promise<readonly string[]> {
  const last = before.at(-1) ?? '';
  const option = optionOf(command, last);
  if (option !== undefined && (option.required || option.optional)) {
    return option.argChoices ?? find({ name: option.long ?? '', prefix, before });
  }
  if (prefix.startsWith('-')) return ['--help', ...command.options.map((each) => each.long ?? '')];
  const inner = command.commands.map((each) => each.name()).filter((name) => !unseen.has(name));
  if (inner.length > 0) return inner;
  const argument = command.registeredArguments[given];
  if (argument === undefined) return [];
  return argument.argChoices ?? find({ name: argument.name(), prefix, before });
}
