/**
 * In which line of a TOML document a value is given. The parser tells values only; a mistake in
 * them is to be told with its line.
 */
export class TomlLines {
  /** By table, number of the table among those of its name, and key. */
  readonly #lines = new Map<string, number>();

  constructor(text: string) {
    let table = '';
    const counts = new Map<string, number>();
    for (const [index, raw] of text.split('\n').entries()) {
      const line = raw.trim();
      const header = /^\[\[?\s*([^\]]+?)\s*\]\]?/.exec(line)?.[1];
      if (header !== undefined) {
        table = header.replaceAll(/["']/g, '');
        counts.set(table, (counts.get(table) ?? -1) + 1);
        this.#note(table, counts.get(table) ?? 0, '', index + 1);
        continue;
      }
      const key = /^(?:"([^"]+)"|'([^']+)'|([A-Za-z0-9_-]+))\s*[.=]/.exec(line);
      const name = key?.[1] ?? key?.[2] ?? key?.[3];
      if (name !== undefined) this.#note(table, counts.get(table) ?? 0, name, index + 1);
    }
  }

  /** From 1; that of the table where the key is written in an unusual way. */
  of(table: string, key = '', number = 0): number {
    const place = this.#lines.get(`${table}/${number}/${key}`);
    return place ?? this.#lines.get(`${table}/${number}/`) ?? 1;
  }

  #note(table: string, number: number, key: string, line: number): void {
    const place = `${table}/${number}/${key}`;
    if (!this.#lines.has(place)) this.#lines.set(place, line);
  }
}
