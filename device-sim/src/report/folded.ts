/** Parts side by side behind a head, in as many lines as they need; none is longer than that. */
export function folded(
  head: string,
  parts: readonly string[],
  { between, columns }: { readonly between: string; readonly columns: number },
): string[] {
  const lines = [head];
  for (const part of parts) {
    const line = lines.at(-1) ?? '';
    const isFirst = line.length === head.length;
    const longer = isFirst ? line + part : line + between + part;
    if (longer.length <= columns || isFirst) lines[lines.length - 1] = longer.slice(0, columns);
    else lines.push((' '.repeat(head.length) + part).slice(0, columns));
  }
  return lines;
}
