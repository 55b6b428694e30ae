import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { pathToFileURL } from 'node:url';
import { LINE_END, type RunLines } from './run-line.ts';

/**
 * Runs command lines of one program, one after another, where it is started: on a terminal, or into
 * a pipe. The main module of the program is evaluated anew for each, so that all is as when it is
 * typed, but for what Node and the modules behind that one take to load.
 *
 *   run-lines.js MAIN FILE
 *
 * FILE has the lines as JSON. After each, `\u001e`, its exit code and a line end are written.
 */

const [main = '', file = ''] = process.argv.slice(2);
const exit = process.exit.bind(process);
let printed = '';

for (const stream of [process.stdout, process.stderr]) {
  const write = stream.write.bind(stream);
  stream.write = (text: string, ...rest: []) => {
    printed += text;
    return write(text, ...rest);
  };
}

/** Resolves once nothing is left to be done, or the line has ended the process. */
function lineEnded(): Promise<void> {
  return new Promise((resolve) => {
    // What comes next keeps the loop going, so that its own end is told too; and it comes after
    // all that this line still does at its end.
    const end = (): void => {
      process.off('beforeExit', end);
      setTimeout(resolve, 2);
    };
    process.on('beforeExit', end);
    process.exit = ((code?: number) => {
      if (code !== undefined) process.exitCode = code;
      end();
    }) as typeof process.exit;
  });
}

/** What a process that has ended leaves nothing of. */
function forget(): void {
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.removeAllListeners(signal);
  for (const stream of [process.stdout, process.stderr]) stream.removeAllListeners('error');
  process.exitCode = 0;
  printed = '';
}

const require = createRequire(import.meta.url);

function evaluate(time: number): void {
  if (main.endsWith('.cjs')) {
    delete require.cache[require.resolve(main)];
    require(main);
  } else void import(`${pathToFileURL(main).href}?${time}`);
}

function filled(word: string): string {
  return word.replace(/\$([A-Z]+)/g, (all, name: string) => kept.get(name) ?? all);
}

const { given, lines } = JSON.parse(readFileSync(file, 'utf8')) as RunLines;
const kept = new Map(Object.entries(given));
for (const [time, { args, keep }] of lines.entries()) {
  forget();
  process.argv = [process.execPath, main, ...args.map(filled)];
  const ended = lineEnded();
  evaluate(time);
  await ended;
  if (keep !== undefined) {
    const found = /"id":"([^"]+)"/.exec(printed) ?? new RegExp(keep.text).exec(printed);
    kept.set(keep.name, found?.[1] ?? '');
  }
  process.stdout.write(`${LINE_END}${process.exitCode}\n`);
}
exit(0);
