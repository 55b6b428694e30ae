/**
 * A source file as the rules see it. A light scanner, not a parser: it knows strings, templates,
 * regular expressions and comments, which is what rules over text stumble on.
 */
export interface Source {
  /** Path from the root, with slashes. */
  readonly path: string;
  readonly lines: readonly string[];
  /** The text with what strings, patterns and comments say blanked out; lines and columns stay. */
  readonly code: string;
  /** What comments say, line by line; '' where there is none. */
  readonly comments: readonly string[];
  readonly imports: readonly Import[];
}

export interface Import {
  readonly line: number;
  readonly specifier: string;
}

export interface Violation {
  readonly path: string;
  /** From 1. */
  readonly line: number;
  readonly rule: string;
}

interface Span {
  readonly kind: 'string' | 'comment';
  readonly from: number;
  /** First position beyond it. */
  readonly to: number;
}

export function readSource(path: string, text: string): Source {
  const spans = scan(text);
  let code = '';
  let comments = '';
  let at = 0;
  for (const span of spans) {
    const inside = text.slice(span.from, span.to);
    code += text.slice(at, span.from) + blank(inside);
    comments += blank(text.slice(at, span.from));
    comments += span.kind === 'comment' ? inside : blank(inside);
    at = span.to;
  }
  code += text.slice(at);
  comments += blank(text.slice(at));
  return {
    path,
    lines: text.split('\n'),
    code,
    comments: comments.split('\n').map((line) => line.trim()),
    imports: findImports(code, text),
  };
}

/** Line of a position, from 1. */
export function lineAt(text: string, at: number): number {
  let line = 1;
  let end = text.indexOf('\n');
  while (end >= 0 && end < at) {
    line += 1;
    end = text.indexOf('\n', end + 1);
  }
  return line;
}

function blank(text: string): string {
  return text.replace(/[^\n]/g, ' ');
}

/** What is in strings, templates, patterns and comments, in order. Quotes stay outside. */
function scan(text: string): Span[] {
  const spans: Span[] = [];
  // Depth of braces at which each open `${` ends.
  const templates: number[] = [];
  let depth = 0;
  let at = 0;
  const take = (kind: Span['kind'], from: number, to: number): void => {
    spans.push({ kind, from, to });
    at = to;
  };
  const takeTemplate = (from: number): void => {
    const to = endOf(text, from, /\\[^]|`|\$\{/g);
    take('string', from, to);
    if (text[to] === '$') {
      templates.push(depth);
      depth += 1;
      at = to + 2;
    } else {
      at = to + 1;
    }
  };
  while (at < text.length) {
    const char = text.charAt(at);
    const two = text.slice(at, at + 2);
    if (two === '//') take('comment', at, endOf(text, at, /\n/g));
    else if (two === '/*') take('comment', at, endOf(text, at + 2, /\*\//g) + 2);
    else if (isQuote(text, at)) {
      take('string', at + 1, endOf(text, at + 1, char === "'" ? /\\[^]|'|\n/g : /\\[^]|"|\n/g));
      at += 1;
    } else if (char === '`') takeTemplate(at + 1);
    else if (char === '/' && startsPattern(text, at)) {
      take('string', at + 1, endOfPattern(text, at + 1));
      at += 1;
    } else if (char === '}' && templates.at(-1) === depth - 1) {
      templates.pop();
      depth -= 1;
      takeTemplate(at + 1);
    } else {
      if (char === '{') depth += 1;
      if (char === '}') depth -= 1;
      at += 1;
    }
  }
  return spans;
}

/** Whether a string begins here; in the text of a page there are apostrophes. */
function isQuote(text: string, at: number): boolean {
  const char = text.charAt(at);
  return char === '"' || (char === "'" && !/\w/.test(text.charAt(at - 1)));
}

/** Position of the first match that is no escape; the end of the text where there is none. */
function endOf(text: string, from: number, what: RegExp): number {
  what.lastIndex = from;
  for (let found = what.exec(text); found !== null; found = what.exec(text)) {
    if (!found[0].startsWith('\\')) return found.index;
  }
  return text.length;
}

function endOfPattern(text: string, from: number): number {
  let inClass = false;
  for (let at = from; at < text.length; at += 1) {
    const char = text[at];
    if (char === '\\') at += 1;
    else if (char === '[') inClass = true;
    else if (char === ']') inClass = false;
    else if ((char === '/' && !inClass) || char === '\n') return at;
  }
  return text.length;
}

/** Whether a slash begins a pattern: a division has a value before it, a tag an angle beside it. */
function startsPattern(text: string, at: number): boolean {
  if (text.charAt(at - 1) === '<' || text.charAt(at + 1) === '>') return false;
  const before = text.slice(Math.max(0, at - 40), at).trimEnd();
  if (/(?:^|[^.\w$])(?:return|typeof|case|of|in|do|else|void|throw|await|yield)$/.test(before)) {
    return true;
  }
  return !/[\w$)\]'"`]$/.test(before);
}

const importStart =
  /(?:^|[;{}\n])\s*(?:import|export)\b[^;'"`()]*?\bfrom\s*['"]|\bimport\s*\(?\s*['"]/g;

/** Static and dynamic imports and re-exports. */
function findImports(code: string, text: string): Import[] {
  return [...code.matchAll(importStart)].map((match) => {
    const from = match.index + match[0].length;
    const quote = text.charAt(from - 1);
    return {
      line: lineAt(text, from),
      specifier: text.slice(from, text.indexOf(quote, from)),
    };
  });
}
