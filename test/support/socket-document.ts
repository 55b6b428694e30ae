import { writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { agentOutputs, socketRoutes, type SocketRoute } from '@holdfast/agent/internal';
import { nameOf } from './output-schemas.ts';

/** From `test/dist/support`. */
export const socketDocumentUrl = new URL(
  '../../../docs/reference/socket-openapi.json',
  import.meta.url,
);

type Json = Readonly<Record<string, unknown>>;

const outputs = new Map(agentOutputs.map((output) => [nameOf(output), output.schema]));

/** The text of `docs/reference/socket-openapi.json`, made of the routes that the agent serves. */
export function socketDocument(): string {
  const paths: Record<string, Record<string, Json>> = {};
  for (const route of socketRoutes) {
    const path = `/${route.path.replace(':id', '{id}')}`;
    paths[path] = { ...paths[path], [route.method.toLowerCase()]: operation(route) };
  }
  const named = new Set(socketRoutes.map(({ gives }) => gives).filter((name) => outputs.has(name)));
  const schemas = Object.fromEntries(
    [...named].map((name) => [componentOf(name), outputs.get(name)]),
  );
  const document = { ...head, paths, components: { schemas: { ...schemas, ...failure } } };
  return `${JSON.stringify(document, undefined, 2)}\n`;
}

const head = {
  openapi: '3.1.0',
  info: {
    title: 'Holdfast agent',
    version: '1',
    description: [
      'HTTP/1.1 over the socket of the agent, which its user and its group may use: nothing else',
      'asks who comes. What a POST has answered with a 2xx is durable.',
    ].join(' '),
    license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
  },
  servers: [{ url: 'http://agent' }],
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

function operation(route: SocketRoute): Json {
  const { path, says, parameters, fields } = route;
  const inPath = path.includes(':id') ? [parameter('id', 'path')] : [];
  const inQuery = parameters.map((name) => parameter(name, 'query'));
  return {
    operationId: `${route.method.toLowerCase()}-${path.replaceAll(/[/:]+/g, '-')}`,
    summary: says,
    security: [],
    parameters: [...inPath, ...inQuery],
    ...(fields === undefined ? {} : { requestBody: requestBody(fields) }),
    responses: {
      '2XX': { description: says, content: content(route.gives) },
      default: {
        description: 'It was not done, or it is not known whether it was',
        content: { 'application/json': { schema: { $ref: '#/components/schemas/failure' } } },
      },
    },
  };
}

function parameter(name: string, place: 'path' | 'query'): Json {
  return { name, in: place, required: place === 'path', schema: { type: 'string' } };
}

const types: Readonly<Record<string, Json>> = {
  text: { type: 'string' },
  flag: { type: 'boolean' },
  any: {},
};

function requestBody(fields: NonNullable<SocketRoute['fields']>): Json {
  const names = Object.entries(fields);
  const properties = names.map(([name, kind]) => [name, types[kind.replace('?', '')]]);
  const required = names.filter(([, kind]) => !kind.endsWith('?')).map(([name]) => name);
  const schema = {
    ...{ type: 'object', properties: Object.fromEntries(properties), required },
    additionalProperties: false,
  };
  return { required: required.length > 0, content: { 'application/json': { schema } } };
}

function content(gives: string): Json {
  if (!gives.startsWith('holdfast.')) return { [gives]: {} };
  const schema = outputs.has(gives)
    ? { $ref: `#/components/schemas/${componentOf(gives)}` }
    : { type: 'object', description: gives };
  return { 'application/json': { schema } };
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  writeFileSync(socketDocumentUrl, socketDocument());
}
