/** A line of JSON for the process that started this one. */
export function say(line: Readonly<Record<string, unknown>>): void {
  process.stdout.write(`${JSON.stringify(line)}\n`);
}

/** What was given on the command line, by position. */
export function argument(index: number): string {
  return process.argv[index + 2] ?? '';
}
