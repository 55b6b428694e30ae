import { mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { nameOf, programs } from './output-schemas.ts';

/** From `test/dist/support`. */
export const schemasUrl = new URL('../../../docs/reference/schemas/', import.meta.url);

/** `status-1.json` for `holdfast.status/1`. */
function fileOf(name: string): string {
  return `${name.replace('holdfast.', '').replace('/', '-')}.json`;
}

/** The files of `docs/reference/schemas`, by their names. */
export function schemaDocuments(): ReadonlyMap<string, string> {
  const files = new Map<string, string>();
  const rows: string[] = [];
  for (const [program, outputs] of Object.entries(programs)) {
    for (const output of outputs) {
      const name = nameOf(output);
      const file = fileOf(name);
      const commands = output.commands.map((each) => `\`${program} ${each}\``).join(', ');
      rows.push(`| ${commands} | [\`${name}\`](${file}) |`);
      const { type, properties, ...rest } = output.schema;
      const document = {
        $schema: 'https://json-schema.org/draft/2020-12/schema',
        ...{ $id: `https://holdfast.example/schemas/${file}`, title: name, type, properties },
        ...rest,
      };
      const text = `${JSON.stringify(document, undefined, 2)}\n`;
      if ((files.get(file) ?? text) !== text) throw new Error(`${name} is the name of two things`);
      files.set(file, text);
    }
  }
  files.set('README.md', index(rows));
  return files;
}

function index(rows: readonly string[]): string {
  return `# What commands print for programs

With \`-o json\` a command prints one object; with \`-o jsonl\`, one a line. Each has a field
\`schema\` with its name and version, and is described by a JSON Schema (2020-12) of that name:

- Fields are added, and words are added to choices; none is renamed, taken away or given another
  meaning within a version. A reader ignores fields that it does not know.
- Times are RFC 3339 in UTC, durations end in \`Ms\` or \`S\`, sizes are bytes, a seq is a number
  below 2^53. There are no colours and no units for people.
- Failures are not JSON: they are three lines on stderr, with a code of the
  [catalogue](../../ERRORS.md), and the exit code tells them apart.

Schemas and this page are made from what the tests hold every output against. After a build,
\`node test/dist/support/schema-documents.js\` writes them anew. The HTTP API of the gateway answers
with the same objects: see its [OpenAPI document](../openapi.json).

| command | prints |
|---|---|
${rows.join('\n')}
`;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  mkdirSync(schemasUrl, { recursive: true });
  for (const file of readdirSync(schemasUrl)) rmSync(new URL(file, schemasUrl));
  for (const [file, text] of schemaDocuments()) writeFileSync(new URL(file, schemasUrl), text);
}
