import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import {
  agentOutputs,
  socketRoutes,
  statusOfCode,
  unversionedRoutes,
  type SocketRoute,
} from '@holdfast/agent/internal';
import { errorCatalogue, type ErrorCode } from '@holdfast/protocol';
import { nameOf } from '../output-schemas.ts';
import { playStory, type Exchange } from './story.ts';
import { fieldOf, parameterOf, type Json } from './words.ts';

/** From `test/dist/support/socket`. */
export const socketDocumentUrl = new URL(
  '../../../../docs/reference/socket-openapi.json',
  import.meta.url,
);

const runIds = {
  type: 'object',
  properties: {
    schema: { type: 'string', const: 'holdfast.run-ids/1' },
    ids: { type: 'array', items: { type: 'string' } },
  },
  required: ['schema', 'ids'],
};

const settings = {
  type: 'object',
  properties: {
    schema: { type: 'string', const: 'holdfast.settings/1' },
    device: { type: 'string' },
    settings: {
      type: 'array',
      items: {
        type: 'object',
        properties: { name: { type: 'string' }, value: { description: 'JSON form' } },
        required: ['name', 'value'],
      },
    },
  },
  required: ['schema', 'device', 'settings'],
};

const outputs = new Map<string, Json>([
  ...agentOutputs.map((output) => [nameOf(output), { ...output.schema }] as const),
  ['holdfast.run-ids/1', runIds],
  ['holdfast.settings/1', settings],
]);

/**
 * The text of `docs/reference/socket-openapi.json`: the routes that the agent serves, with what
 * one has answered as examples.
 */
export function socketDocument(story: readonly Exchange[]): string {
  const paths: Record<string, Record<string, Json>> = {};
  const all = [...socketRoutes, ...unversionedRoutes];
  for (const route of all) {
    const path = addressOf(route);
    const told = story.filter((exchange) => exchange.route === route);
    paths[path] = { ...paths[path], [route.method.toLowerCase()]: operation(route, told) };
  }
  const named = new Set(all.flatMap(({ gives }) => gives).filter((name) => outputs.has(name)));
  const schemas = Object.fromEntries(
    [...named].map((name) => [componentOf(name), outputs.get(name)]),
  );
  const document = { ...head, paths, components: { schemas: { ...schemas, ...failure } } };
  return `${JSON.stringify(document, undefined, 2)}\n`;
}

/** As OpenAPI writes it. */
export function addressOf(route: SocketRoute): string {
  const path = route.path.replace(':id', '{id}');
  return unversionedRoutes.includes(route) ? `/${path}` : `/v1/${path}`;
}

const head = {
  openapi: '3.1.0',
  info: {
    title: 'Holdfast agent',
    version: '1',
    description: [
      'HTTP/1.1 over the socket of the agent, which its user and its group may use: nothing else',
      'asks who comes. What a POST has answered with a 2xx is durable. A path that there is not is',
      'answered with 404, a method that a path does not have with 405.',
    ].join(' '),
    license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
  },
  servers: [{ url: 'http://agent', description: 'over the socket; the host does not matter' }],
};

const failure = {
  failure: {
    type: 'object',
    properties: {
      error: {
        type: 'object',
        properties: {
          code: { type: 'string', description: 'of docs/ERRORS.md' },
          message: { type: 'string' },
          why: { type: ['string', 'null'] },
          hint: { type: 'string', description: 'what to do' },
        },
        required: ['code', 'message', 'why', 'hint'],
      },
    },
    required: ['error'],
  },
};

function componentOf(name: string): string {
  return name.replace('holdfast.', '').replace('/', '-');
}

function operation(route: SocketRoute, told: readonly Exchange[]): Json {
  const { method, path, says, parameters, fields } = route;
  const done = told.filter(({ status }) => status < 300);
  const inPath = path.includes(':id') ? [parameter(path, 'id')] : [];
  const inQuery = parameters.map((name) => parameter(path, name));
  const traced = ['runs', 'runs/:id/signals'].includes(path) && method === 'POST' ? [trace] : [];
  return {
    operationId: `${method.toLowerCase()}-${path.replaceAll(/[/:]+/g, '-')}`,
    summary: says,
    security: [],
    parameters: [...inPath, ...inQuery, ...traced],
    ...(fields === undefined ? {} : { requestBody: requestBody(fields, done) }),
    responses: { ...successes(route, done), ...failures(route, told) },
  };
}

const trace = {
  ...{ name: 'traceparent', in: 'header', required: false, schema: { type: 'string' } },
  description: 'W3C Trace Context',
};

function parameter(path: string, name: string): Json {
  const place = name === 'id' ? 'path' : 'query';
  return { name, in: place, required: place === 'path', ...parameterOf(path, name) };
}

function requestBody(fields: NonNullable<SocketRoute['fields']>, done: readonly Exchange[]): Json {
  const names = Object.keys(fields);
  const required = names.filter((name) => fields[name]?.endsWith('?') === false);
  const schema = {
    ...{
      type: 'object',
      properties: Object.fromEntries(names.map((name) => [name, fieldOf(name)])),
    },
    ...{ required, additionalProperties: false },
  };
  const example = done.find(({ body }) => body !== undefined)?.body ?? {};
  return { required: required.length > 0, content: { 'application/json': { schema, example } } };
}

function successes({ says, gives }: SocketRoute, done: readonly Exchange[]): Json {
  // What takes a gateway has no example.
  const seen = done.length === 0 ? [202] : done.map(({ status }) => status);
  const statuses = [...new Set(seen)].toSorted((a, b) => a - b);
  return Object.fromEntries(
    statuses.map((status) => {
      const example = done.find((each) => each.status === status)?.answer;
      return [status, { description: says, content: content(gives, example) }];
    }),
  );
}

function content(gives: readonly string[], example: unknown): Json {
  const [type = ''] = gives;
  if (!type.startsWith('holdfast.')) return { [type]: {} };
  const schemas = gives.map((name) => ({ $ref: `#/components/schemas/${componentOf(name)}` }));
  const schema = schemas.length === 1 ? schemas[0] : { oneOf: schemas };
  return { 'application/json': example === undefined ? { schema } : { schema, example } };
}

/** What every route can answer, what those with a body can, and what those that journal can. */
const common: readonly ErrorCode[] = ['HF_INTERNAL', 'HF_AGENT_CLOSED'];
const ofBodies: readonly ErrorCode[] = ['HF_INPUT_INVALID'];
const ofWrites: readonly ErrorCode[] = [
  ...(['HF_JOURNAL_BUSY', 'HF_JOURNAL_FAILED', 'HF_JOURNAL_FULL', 'HF_DISK_FULL'] as const),
];

/** Every code of a route, by the status that it comes with. */
export function codesOf({ path, fails, fields }: SocketRoute): ReadonlyMap<number, Set<ErrorCode>> {
  const journals = fields !== undefined && !['nudge', 'rotate-key'].includes(path);
  const codes = [...fails, ...common, ...(fields ? ofBodies : []), ...(journals ? ofWrites : [])];
  const byStatus = new Map<number, Set<ErrorCode>>([[400, new Set(['HF_REQUEST_INVALID'])]]);
  if (fields !== undefined) byStatus.set(413, new Set(['HF_REQUEST_INVALID']));
  for (const code of codes) {
    const status = statusOfCode(code);
    byStatus.set(status, new Set([...(byStatus.get(status) ?? []), code]));
  }
  return new Map([...byStatus].toSorted(([a], [b]) => a - b));
}

function failures(route: SocketRoute, told: readonly Exchange[]): Json {
  return Object.fromEntries(
    Array.from(codesOf(route), ([status, codes]) => [
      status,
      {
        description: Array.from(codes, (code) => `${code}: ${errorCatalogue[code].message}`).join(
          '; ',
        ),
        content: { 'application/json': failureContent(codes, told) },
      },
    ]),
  );
}

function failureContent(codes: ReadonlySet<ErrorCode>, told: readonly Exchange[]): Json {
  const examples = [...codes].flatMap((code) => {
    const example = told.find((each) => each.code === code);
    return example === undefined ? [] : [[code, { value: example.answer }]];
  });
  const schema = { $ref: '#/components/schemas/failure' };
  return examples.length === 0 ? { schema } : { schema, examples: Object.fromEntries(examples) };
}

/** What a document says apart from its examples, which are of one agent at one moment. */
export function withoutExamples(part: unknown): unknown {
  if (Array.isArray(part)) return part.map(withoutExamples);
  if (typeof part !== 'object' || part === null) return part;
  const kept = Object.entries(part).filter(([name]) => !['example', 'examples'].includes(name));
  return Object.fromEntries(kept.map(([name, each]) => [name, withoutExamples(each)]));
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const dir = await mkdtemp(join(tmpdir(), 'holdfast-socket-'));
  const text = socketDocument(await playStory(dir)).replaceAll(dir, '/run/holdfast');
  await writeFile(socketDocumentUrl, text);
  await rm(dir, { recursive: true });
}
