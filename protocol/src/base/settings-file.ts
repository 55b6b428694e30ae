import { HoldfastError } from './errors.ts';
import { nearestName } from './nearest-name.ts';

/** A setting that a file may name. */
export interface KnownSetting {
  readonly name: string;
  /** A `list` may be written as one text, too. */
  readonly kind: 'text' | 'flag' | 'list';
  /** What a text must be one of. */
  readonly choices?: readonly string[] | undefined;
}

export interface WrittenSetting {
  readonly name: string;
  readonly value: string | boolean | readonly string[];
  /** The file and the line. */
  readonly place: string;
}

/** Reads TOML. What it throws for other text has the line, and says in its first line why. */
export type ParseToml = (text: string) => Readonly<Record<string, unknown>>;

/**
 * The settings that a TOML file has, in its order.
 *
 * @throws HF_CONFIG_INVALID naming file and line: for what is no TOML, a name that is not known, a
 *   value of another kind.
 */
export function readSettings(
  file: { readonly path: string; readonly text: string },
  known: readonly KnownSetting[],
  parse: ParseToml,
): readonly WrittenSetting[] {
  const { path, text } = file;
  return Object.entries(parsed(path, text, parse)).map(([name, written]) => {
    const place = `${path}:${lineOf(text, name)}`;
    const setting = known.find((each) => each.name === name);
    if (setting === undefined) {
      throw invalid(`${place}: there is no setting ${name}${meant(name, known)}`);
    }
    return { name, value: valueOf(setting, written, place), place };
  });
}

function parsed(path: string, text: string, parse: ParseToml): Readonly<Record<string, unknown>> {
  try {
    return parse(text);
  } catch (cause) {
    if (!(cause instanceof Error) || !('line' in cause)) throw cause;
    // The first line says what; the others draw the place.
    const [what = ''] = cause.message.replace(/^Invalid TOML document: /, '').split('\n');
    throw invalid(`${path}:${String(cause.line)}: ${what}`);
  }
}

function valueOf(
  setting: KnownSetting,
  written: unknown,
  place: string,
): string | boolean | readonly string[] {
  const { name, kind } = setting;
  if (kind === 'flag') {
    if (typeof written === 'boolean') return written;
    throw invalid(`${place}: ${name} is true or false`);
  }
  if (kind === 'text') return asText(setting, written, place);
  const texts: readonly unknown[] = Array.isArray(written) ? written : [written];
  return texts.map((each) => asText(setting, each, place));
}

/** A file says `256` where an option has text. */
function asText({ name, choices }: KnownSetting, written: unknown, place: string): string {
  const text = typeof written === 'number' ? String(written) : written;
  if (typeof text !== 'string') throw invalid(`${place}: ${name} has to be a text`);
  if (text === '') throw invalid(`${place}: ${name} is empty`);
  if (choices?.includes(text) === false) {
    throw invalid(`${place}: ${name} is one of ${choices.join(', ')}, not ${text}`);
  }
  return text;
}

/** The line, from 1, in which a name gets its value; 1 where it is written in an unusual way. */
function lineOf(text: string, name: string): number {
  const index = text.split('\n').findIndex((line) => {
    const [word = ''] = line.trim().split(/[\s=\]]/, 1);
    return word.replace(/^\[+/, '').replaceAll(/["']/g, '') === name;
  });
  return index < 0 ? 1 : index + 1;
}

/** Other files write a name with underscores or capitals. */
function meant(name: string, known: readonly KnownSetting[]): string {
  const plain = name.toLowerCase().replaceAll('_', '-');
  if (known.some((each) => each.name === plain)) return `; it is called ${plain}`;
  const nearest = nearestName(
    plain,
    known.map((each) => each.name),
  );
  return nearest === undefined ? '' : `; did you mean ${nearest}?`;
}

function invalid(why: string): HoldfastError {
  return new HoldfastError('HF_CONFIG_INVALID', { why });
}
