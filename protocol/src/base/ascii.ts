/** Our signs, and one of ASCII for each, so that columns stay where they are. */
const signs: Readonly<Record<string, string>> = {
  ...{ '✓': '+', '✗': 'x', '●': '*', '◌': 'o', '⧖': ':', '▷': '>', '↻': '~', '┤': '|' },
  ...{ '▁': '.', '▂': '.', '▃': ':', '▄': ':', '▅': '#', '▆': '#', '▇': '#', '█': '#' },
  ...{ '▒': '.', '▏': '_', '·': '-', '–': '-', '…': '.', '≥': '>', '×': 'x' },
};
const sign = new RegExp(`[${Object.keys(signs).join('')}]`, 'gu');

/** The text with ASCII in the place of our signs. What others wrote stays as it is. */
export function withoutSigns(text: string): string {
  return text.replace(sign, (each) => signs[each] ?? each);
}

/**
 * Whether our signs can be shown: not on the console of a kernel, whose font has few, and not in a
 * locale of another character set. A locale that is not named is taken for one of today.
 */
export function showsSigns(env: Readonly<Record<string, string | undefined>>): boolean {
  const locale = env['LC_ALL'] || env['LC_CTYPE'] || env['LANG'] || 'UTF-8';
  return env['TERM'] !== 'linux' && /utf-?8/i.test(locale);
}

type Write = (text: unknown, ...rest: readonly unknown[]) => boolean;

interface Process {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly stdout: Stream;
  readonly stderr: Stream;
}

interface Stream {
  readonly isTTY?: boolean;
  write: unknown;
}

/** From now on a process writes no sign to a terminal that cannot show it. */
export function fitSigns({ env, stdout, stderr }: Process): void {
  if (showsSigns(env)) return;
  for (const stream of [stdout, stderr]) {
    if (stream.isTTY !== true) continue;
    const write = (stream.write as Write).bind(stream);
    stream.write = (text: unknown, ...rest: readonly unknown[]) =>
      write(typeof text === 'string' ? withoutSigns(text) : text, ...rest);
  }
}
