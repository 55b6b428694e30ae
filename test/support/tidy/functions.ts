import { lineAt } from './source.ts';

export interface FunctionShape {
  /** Line of its parameters. */
  readonly line: number;
  /** Lines from its parameters to the end of its body; 0 for a signature or an expression. */
  readonly lines: number;
  readonly parameters: number;
}

const control = /(?:^|[^.\w$])(?:if|for|while|switch|catch|with|await|return|super|import)\s*$/;

/** Functions, methods, arrows and signatures of a file whose strings and comments are blank. */
export function findFunctions(code: string): FunctionShape[] {
  const ends = matchBrackets(code);
  const found: FunctionShape[] = [];
  for (const [open, close] of ends) {
    if (code[open] !== '(') continue;
    const end = bodyEnd(code, open, ends);
    if (end === undefined) continue;
    found.push({
      line: lineAt(code, open),
      lines: end === 0 ? 0 : lineAt(code, end) - lineAt(code, open) + 1,
      parameters: split(code.slice(open + 1, close)).length,
    });
  }
  return found;
}

/** Position of each opening bracket and of the one that closes it, in order of opening. */
function matchBrackets(code: string): Map<number, number> {
  const ends = new Map<number, number>();
  const open: number[] = [];
  for (let at = 0; at < code.length; at += 1) {
    if ('([{'.includes(code.charAt(at))) {
      open.push(at);
      ends.set(at, code.length);
    } else if (')]}'.includes(code.charAt(at))) {
      const start = open.pop();
      if (start !== undefined) ends.set(start, at);
    }
  }
  return ends;
}

/** End of the body behind a list of parameters; 0: it has none; undefined: no parameters at all. */
function bodyEnd(code: string, open: number, ends: Map<number, number>): number | undefined {
  const close = ends.get(open) ?? code.length;
  const before = code.slice(Math.max(0, open - 80), open);
  const after = skipSpace(code, close + 1);
  if (code.startsWith('=>', after)) return braceEnd(code, skipSpace(code, after + 2), ends);
  if (control.test(before)) return undefined;
  if (code[after] === '{') return /[\w$>\]]\s*$/.test(before) ? ends.get(after) : undefined;
  const isTyped = split(code.slice(open + 1, close)).every((each) => /^[^(]*?[:=?]/.test(each));
  if (code[after] !== ':' || !isTyped) return undefined;
  return bodyBehindType(code, skipSpace(code, after + 1), ends);
}

/** Walks over a return type. */
function bodyBehindType(code: string, from: number, ends: Map<number, number>): number {
  let isOperand = true;
  for (let at = from; at < code.length; at = skipSpace(code, at + 1)) {
    const char = code.charAt(at);
    if (char === '{' && !isOperand) return ends.get(at) ?? 0;
    if (';,)=}'.includes(char)) {
      if (!code.startsWith('=>', at)) return 0;
      const next = skipSpace(code, at + 2);
      return braceEnd(code, next, ends);
    }
    isOperand = '|&'.includes(char);
    if ('([{'.includes(char)) at = ends.get(at) ?? code.length;
    if (char === '<') at = angleEnd(code, at);
  }
  return 0;
}

function braceEnd(code: string, at: number, ends: Map<number, number>): number {
  return code[at] === '{' ? (ends.get(at) ?? 0) : 0;
}

function angleEnd(code: string, from: number): number {
  let depth = 0;
  for (let at = from; at < code.length; at += 1) {
    if (code[at] === '<') depth += 1;
    if (code[at] === '>' && code[at - 1] !== '=' && --depth === 0) return at;
  }
  return code.length;
}

function skipSpace(code: string, from: number): number {
  let at = from;
  while (at < code.length && /\s/.test(code.charAt(at))) at += 1;
  return at;
}

/** Parts of a list that are divided by commas outside of brackets. */
function split(list: string): string[] {
  const parts = [''];
  let depth = 0;
  for (let at = 0; at < list.length; at += 1) {
    const char = list.charAt(at);
    if ('([{<'.includes(char)) depth += 1;
    if (')]}'.includes(char) || (char === '>' && list[at - 1] !== '=')) depth -= 1;
    if (char === ',' && depth === 0) parts.push('');
    else parts[parts.length - 1] += char;
  }
  return parts.filter((part) => part.trim() !== '');
}
