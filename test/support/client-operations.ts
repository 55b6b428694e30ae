import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { apiDocumentUrl } from './api-document.ts';

/** From `test/dist/support`. */
export const clientUrl = new URL('../../../gateway/src/client/', import.meta.url);

interface Schema {
  readonly type?: string;
  readonly const?: unknown;
  readonly enum?: readonly unknown[];
  readonly anyOf?: readonly Schema[];
  readonly items?: Schema;
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly additionalProperties?: boolean | Schema;
  readonly required?: readonly string[];
  readonly description?: string;
}

interface Operation {
  readonly summary?: string;
  readonly parameters?: readonly {
    readonly in: string;
    readonly name: string;
    readonly required?: boolean;
    readonly schema: Schema;
  }[];
  readonly requestBody?: { readonly content: Content };
  readonly responses: Readonly<Record<string, { readonly content?: Content }>>;
}
type Content = Readonly<Record<string, { readonly schema: Schema }>>;

const COLUMNS = 100;
const note =
  '// Made of docs/reference/openapi.json: node test/dist/support/client-operations.js\n';

/** The files of `gateway/src/client` that are made of the OpenAPI document, by their names. */
export function clientFiles(): ReadonlyMap<string, string> {
  const { paths } = JSON.parse(readFileSync(apiDocumentUrl, 'utf8')) as {
    readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
  };
  const groups = new Map<string, string[]>();
  for (const [path, operations] of Object.entries(paths)) {
    const [, group] = /^\/api\/(\w+)/.exec(path) ?? [];
    if (group === undefined) continue;
    for (const [method, operation] of Object.entries(operations)) {
      const text = operationText(`${method.toUpperCase()} ${path}`, operation);
      if (text !== '') groups.set(group, [...(groups.get(group) ?? []), text]);
    }
  }
  const files = new Map<string, string>();
  for (const [group, texts] of groups) {
    const head = `export interface ${nameOf(group)} {\n`;
    files.set(`operations/${group}.ts`, `${note}${head}${texts.join('\n')}}\n`);
  }
  files.set('operations.ts', indexText([...groups.keys()].toSorted()));
  return files;
}

function nameOf(group: string): string {
  return `${group[0]?.toUpperCase()}${group.slice(1)}Operations`;
}

function indexText(groups: readonly string[]): string {
  const imports = groups.map((each) => {
    return `import type { ${nameOf(each)} } from './operations/${each}.ts';\n`;
  });
  const names = groups.map((each) => `    ${nameOf(each)}`).join(',\n');
  const doc = '/** Every operation of the API that answers with JSON, by its method and path. */\n';
  return `${note}${imports.join('')}\n${doc}export interface Operations\n  extends\n${names} {}\n`;
}

function operationText(key: string, operation: Operation): string {
  const { summary = '', parameters = [], requestBody, responses } = operation;
  const answer = responses['200']?.content?.['application/json']?.schema;
  // What answers with no JSON and with something is a stream, or for other programs.
  if (answer === undefined && !('204' in responses)) return '';
  const partOf = (place: string, name: string): string[] => {
    const own = parameters.filter((each) => each.in === place);
    if (own.length === 0) return [];
    const fields = own.map((each) => [each.name, each.required === true, each.schema] as const);
    const mark = own.some((each) => each.required === true) ? '' : '?';
    return [`    readonly ${name}${mark}: ${fieldsText(fields, 4)};\n`];
  };
  const body = requestBody?.content['application/json']?.schema;
  const lines = [
    ...partOf('path', 'params'),
    ...partOf('query', 'query'),
    ...(body === undefined ? [] : [`    readonly body: ${typeText(body, 4)};\n`]),
    `    readonly answer: ${answer === undefined ? 'undefined' : typeText(answer, 4)};\n`,
  ];
  return `  /** ${summary}. */\n  readonly '${key}': {\n${lines.join('')}  };\n`;
}

type Field = readonly [name: string, isRequired: boolean, schema: Schema];

function fieldsText(
  fields: readonly Field[],
  indent: number,
  more: readonly string[] = [],
): string {
  const texts = fields.map(([name, isRequired, schema]) => {
    const key = /^[A-Za-z_$][\w$]*$/.test(name) ? name : `'${name}'`;
    const type = typeText(schema, indent + 2);
    const maybe = isRequired || type === 'unknown' ? '' : ' | undefined';
    return `readonly ${key}${isRequired ? '' : '?'}: ${type}${maybe}`;
  });
  const all = [...texts, ...more];
  if (all.length === 0) return 'object';
  const inline = `{ ${all.join('; ')} }`;
  if (!inline.includes('\n') && indent + 24 + inline.length <= COLUMNS) return inline;
  const pad = ' '.repeat(indent + 2);
  return `{\n${all.map((each) => `${pad}${each};\n`).join('')}${' '.repeat(indent)}}`;
}

function typeText(schema: Schema, indent: number): string {
  const { type, enum: words, anyOf, items } = schema;
  if (schema.const !== undefined) return literal(schema.const);
  if (words !== undefined) return unionText(words.map(literal), indent);
  if (anyOf !== undefined) return unionText(anyOf.map((each) => typeText(each, indent)), indent);
  if (type === 'array') {
    const item = typeText(items ?? {}, indent);
    return `readonly ${item.includes(' | ') && !item.startsWith('{') ? `(${item})` : item}[]`;
  }
  if (type === 'object') return objectText(schema, indent);
  if (type === 'integer') return 'number';
  return type === undefined ? 'unknown' : type;
}

function objectText(schema: Schema, indent: number): string {
  const { properties = {}, required = [], additionalProperties: more } = schema;
  const fields = Object.entries(properties).map(
    ([name, field]) => [name, required.includes(name), field] as const,
  );
  const isOpen = more === true || typeof more === 'object';
  const rest = typeof more === 'object' ? typeText(more, indent + 2) : 'unknown';
  const index = isOpen ? [`readonly [name: string]: ${fields.length > 0 ? 'unknown' : rest}`] : [];
  return fieldsText(fields, indent, index);
}

function literal(value: unknown): string {
  return typeof value === 'string' ? `'${value}'` : JSON.stringify(value);
}

function unionText(texts: readonly string[], indent: number): string {
  const inline = texts.join(' | ');
  if (indent + 24 + inline.length <= COLUMNS || texts.some((each) => each.includes('\n'))) {
    return inline;
  }
  const pad = ' '.repeat(indent + 2);
  return texts.map((each) => `\n${pad}| ${each}`).join('');
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  mkdirSync(new URL('operations', clientUrl), { recursive: true });
  for (const [name, text] of clientFiles()) writeFileSync(new URL(name, clientUrl), text);
}
