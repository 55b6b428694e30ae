import {
  channels,
  MESSAGE_BYTES_MAX,
  PROTOCOL_VERSION,
  topicOf,
  type Channel,
  type MessageKind,
} from '@holdfast/protocol';
import { messageShapes, type Field, type Numbered, type Shape } from './shape.ts';

type Json = Readonly<Record<string, unknown>>;

/** Which messages a topic of a device carries. */
export const carried: Readonly<Record<Channel, readonly MessageKind[]>> = {
  up: ['hello', 'batch', 'hole', 'refusal'],
  state: ['report'],
  down: ['welcome', 'ack', 'commands', 'refusal'],
};

/**
 * What `docs/reference/asyncapi.json` has: topics and messages of the wire, from the schemas that
 * read and write them.
 *
 * @param specification The text of `PROTOCOL.md`, whose words for the fields are taken.
 */
export function asyncapi(specification: string): object {
  const words = meanings(specification);
  return {
    ...head,
    channels: Object.fromEntries(channels.map((name) => [name, channel(name)])),
    operations: Object.fromEntries(channels.map((name) => [`device-${name}`, operation(name)])),
    components: {
      messages: Object.fromEntries(messageShapes.map((shape) => [shape.name, message(shape)])),
      schemas: Object.fromEntries(messageShapes.map((shape) => [shape.name, body(shape, words)])),
    },
  };
}

const BINDING = { bindingVersion: '0.2.0' };

const head = {
  asyncapi: '3.0.0',
  info: {
    title: 'Holdfast, as a device speaks it',
    version: String(PROTOCOL_VERSION),
    description: [
      'What a device sends and receives; for a gateway, turn `send` and `receive` round. Messages',
      'are CBOR: records are arrays, one item a field, that grow at their end. Every message is an',
      'envelope with a signature. protocol/PROTOCOL.md says what they mean, protocol/holdfast.cddl',
      'has the same in CDDL, protocol/vectors has bytes.',
    ].join(' '),
    license: { name: 'Apache-2.0' },
  },
  defaultContentType: 'application/cbor',
  servers: {
    broker: {
      host: 'gateway.example:8883',
      protocol: 'secure-mqtt',
      protocolVersion: '3.1.1',
      description: 'The broker of a gateway, or any other; MQTT 5 and WebSocket are taken, too.',
      bindings: {
        mqtt: { clientId: 'hf-{device}', cleanSession: true, keepAlive: 30, ...BINDING },
      },
    },
  },
};

function channel(name: Channel): Json {
  const messages = carried[name].map((kind) => [kind, { $ref: `#/components/messages/${kind}` }]);
  return {
    address: topicOf('{device}', name),
    messages: Object.fromEntries(messages),
    parameters: { device: { description: 'the id of the device: [A-Za-z0-9_-]{1,64}' } },
  };
}

function operation(name: Channel): Json {
  const messages = carried[name].map((kind) => ({ $ref: `#/channels/${name}/messages/${kind}` }));
  return {
    action: name === 'down' ? 'receive' : 'send',
    channel: { $ref: `#/channels/${name}` },
    messages,
    bindings: { mqtt: { qos: 1, retain: false, ...BINDING } },
  };
}

function message({ name, number }: Numbered): Json {
  const items = [
    { title: 'kind', const: number },
    {
      ...{ title: 'body', type: 'string', format: 'binary', maxLength: MESSAGE_BYTES_MAX },
      ...{ contentMediaType: 'application/cbor', 'x-body': `#/components/schemas/${name}` },
    },
    {
      ...{ title: 'signature', type: 'string', format: 'binary', maxLength: 128 },
      description: `of the bytes holdfast/1/{device}/${name}/ and of the body`,
    },
  ];
  return { name, payload: tuple(items) };
}

/** An array with an item a field; later versions may have more. */
function tuple(items: readonly Json[]): Json {
  return { type: 'array', items, minItems: items.length, additionalItems: true };
}

type Words = ReadonlyMap<string, string>;

function body({ name, record }: Numbered, words: Words): Json {
  return { title: name, ...tuple(record.fields.map((field) => item(field, name, words))) };
}

function item({ name, shape, text }: Field, path: string, words: Words): Json {
  const description = words.get(`${path}.${name}`);
  const isOpen = text.startsWith('openChoice');
  return {
    title: name,
    ...(description === undefined ? {} : { description }),
    ...schemaOf(shape, `${path}.${name}`, { words, isOpen }),
  };
}

interface About {
  readonly words: Words;
  /** A later version may have added words to a choice. */
  readonly isOpen: boolean;
}

function schemaOf(shape: Shape, path: string, about: About): Json {
  const inner = (each: Shape): Json => schemaOf(each, path, about);
  switch (shape.kind) {
    case 'uint':
      return { type: 'integer', minimum: 0, maximum: shape.max };
    case 'bool':
      return { type: 'boolean' };
    case 'text':
      return { type: 'string', maxLength: shape.max };
    case 'bytes':
      return {
        ...{ type: 'string', format: 'binary', maxLength: shape.max },
        ...(shape.isExact ? { minLength: shape.max } : {}),
      };
    case 'choice':
      return {
        ...{ type: 'integer', minimum: 0 },
        ...(about.isOpen ? {} : { maximum: shape.words.length - 1 }),
        'x-enum-varnames': shape.words,
      };
    case 'list':
      return { type: 'array', items: inner(shape.item), maxItems: shape.max };
    case 'perLane':
      return { type: 'array', items: inner(shape.item), minItems: 3, maxItems: 3 };
    case 'orBytes':
      return { oneOf: [inner(shape.plain), inner(shape.more)] };
    case 'record':
      return tuple(shape.fields.map((field) => item(field, path, about.words)));
    default:
      return shape;
  }
}

/** What `PROTOCOL.md` says of each field, by `hello.lanes.head`. */
function meanings(text: string): Words {
  const sections = text.matchAll(/^### 5\.\d+ `(\w+)` \(\d+\)\n(.*?)(?=^#)/gms);
  return new Map(
    Array.from(sections).flatMap(([, name = '', section = '']) =>
      Array.from(
        section.matchAll(/^\| \d+ \| `([\w.]+)` \| `[^`]*` \| (.*) \|$/gm),
        ([, field = '', meaning = '']) => [`${name}.${field}`, meaning.trim()] as const,
      ).filter(([, meaning]) => meaning !== ''),
    ),
  );
}
