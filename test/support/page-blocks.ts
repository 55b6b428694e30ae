/** A block of code of a page. */
export interface PageBlock {
  readonly path: string;
  /** Line of its first mark. */
  readonly line: number;
  /** What stands behind the mark; empty where nothing does. */
  readonly language: string;
  readonly text: string;
}

/** The blocks of a page, in their order. */
export function pageBlocks(path: string, page: string): readonly PageBlock[] {
  return Array.from(page.matchAll(/^```(.*)\n((?:(?!```).*\n)*)```$/gm), (found) => {
    const [, language = '', text = ''] = found;
    return { path, line: page.slice(0, found.index).split('\n').length, language, text };
  });
}

/** Words of a shell that are followed by a command. */
const leading: ReadonlySet<string> = new Set([
  ...['sudo', 'npx', 'time', '!', 'do', 'until', 'while', 'if', 'then', 'stdbuf', '-oL'],
]);
/** Words of a shell that are none. */
const ofShell: ReadonlySet<string> = new Set(['done', 'fi', '']);

/** The programs that a block of commands runs, each with the words behind it. */
export function programsIn(text: string): readonly (readonly string[])[] {
  const inside: string[] = [];
  const plain = text
    .replace(/\\\n\s*/g, ' ')
    .replace(/'[^']*'/g, (quoted) => quoted.replace(/[\n|;&()#<>]/g, '_'))
    // What a command is given may be what another one prints.
    .replace(/"[^"]*\$\(([^)]*)\)[^"]*"/g, (_, inner: string) => {
      inside.push(inner);
      return '_';
    })
    .replace(/"[^"]*"/g, (quoted) => quoted.replace(/[\n|;&()#<>]/g, '_'))
    .replace(/(^|\s)#.*$/gm, '');
  return [...plain.split(/\n|\|\|?|&&?|;|\$\(|\)/), ...inside]
    .map((part) => part.trim().split(/\s+/))
    .map((words) => {
      const at = words.findIndex((word) => !leading.has(word) && !/^[A-Z_a-z]+=/.test(word));
      return at === -1 ? [] : words.slice(at);
    })
    .filter(([program = '']) => !ofShell.has(program));
}
