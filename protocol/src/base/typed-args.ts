import type { Completable } from './completion.ts';
import { HoldfastError } from './errors.ts';

type Args = readonly string[];

/** What of a command line may be typed shorter than it is written in documents. */
export interface Typing {
  readonly env: Readonly<Record<string, string | undefined>>;
}

/**
 * The words of a command line as documents write them: the beginning of a command's name stands for
 * the one that has it, `--json` for `-o json`, and with LLMFORMAT=1 tables are Markdown.
 *
 * @throws HF_USAGE for a beginning that several commands have, and for `--json` beside another
 *   format.
 */
export function typedArgs(program: Completable, args: Args, { env }: Typing): Args {
  const words = [...args];
  let command = program;
  for (let at = 0; at < words.length && command.commands.length > 0; at += 1) {
    const word = words[at] ?? '';
    if (word === '--') return words;
    if (word.startsWith('-')) {
      if (takesValue(command, word)) at += 1;
      continue;
    }
    const inner = commandMeant(command, word);
    // What is no command is an argument, or is told of by the parser.
    if (inner === undefined) return words;
    words[at] = inner.name();
    command = inner;
  }
  return withOutput(command, words, env);
}

function commandMeant({ commands }: Completable, word: string): Completable | undefined {
  const other = commands.find((each) => each.aliases?.().includes(word) === true);
  if (other !== undefined) return other;
  const name = nameMeant(
    commands.map((each) => each.name()),
    word,
  );
  return commands.find((each) => each.name() === name);
}

/** The name that begins like a word, or is it. @throws HF_USAGE when several do. */
export function nameMeant(names: readonly string[], word: string): string | undefined {
  if (names.includes(word) || word === '') return names.find((name) => name === word);
  const meant = names.filter((name) => name.startsWith(word) && !unseen.has(name));
  if (meant.length <= 1) return meant[0];
  throw new HoldfastError('HF_USAGE', { why: `${word} is the beginning of ${meant.join(', ')}` });
}

/** Commands that nobody types. */
const unseen: ReadonlySet<string> = new Set(['words', 'help']);

function takesValue({ options }: Completable, word: string): boolean {
  const option = options.find(({ long, short }) => long === word || short === word);
  return option?.required === true;
}

function withOutput(command: Completable, words: Args, env: Typing['env']): Args {
  const named = (long: string) => command.options.find((option) => option.long === long);
  const output = named('--output') ?? named('--format');
  if (output === undefined || named('--json') !== undefined) return words;
  const end = words.indexOf('--');
  const isFree = (word: string, at: number): boolean =>
    word === '--json' && (end === -1 || at < end) && !takesValue(command, words[at - 1] ?? '');
  if (words.some(isFree)) checkJson(output, words);
  const spelled = words.map((word, at) => (isFree(word, at) ? `${output.long}=json` : word));
  const isTable = output.argChoices?.includes('md') === true;
  const isChosen = spelled.some((word) => /^(?:-o|--output)/.test(word));
  const isWanted = isTable && !isChosen && env['LLMFORMAT'] === '1' && end === -1;
  return isWanted ? [...spelled, '--output=md'] : spelled;
}

/** @throws HF_USAGE where another format is asked for, too. */
function checkJson({ long, short }: Completable['options'][number], words: Args): void {
  const other = words.find((word, at) => {
    const format = formatIn(word, [long, short], words[at + 1]);
    return format !== undefined && format !== 'json';
  });
  if (other === undefined) return;
  throw new HoldfastError('HF_USAGE', { why: `--json and ${long} contradict each other` });
}

/** What a word, or the one behind it, names as the format. */
function formatIn(
  word: string,
  [long = '', short = '-?']: readonly (string | undefined)[],
  next: string | undefined,
): string | undefined {
  if (word === long || word === short) return next;
  return word.startsWith(`${long}=`) ? word.slice(long.length + 1) : undefined;
}
