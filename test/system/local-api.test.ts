import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { Validator } from '@seriousme/openapi-schema-validator';
import { Ajv2020 } from 'ajv/dist/2020.js';
import test from 'ava';
import { Agent } from '@holdfast/agent';
import { socketRoutes, unversionedRoutes } from '@holdfast/agent/internal';
import { weighing } from '@holdfast/examples/local-api/workflow';
import { weighing as weighingByNodeRed } from '@holdfast/examples/node-red/workflow';
import { FlowRunner, type FlowNode } from '../support/flow-runner.ts';
import { hasProgram } from '../support/program.ts';
import {
  addressOf,
  codesOf,
  socketDocument,
  socketDocumentUrl,
  withoutExamples,
} from '../support/socket/document.ts';
import { playStory } from '../support/socket/story.ts';
import { tempDir } from '../support/temp-dir.ts';

const stories = fileURLToPath(new URL('../../../examples', import.meta.url));
const folder = join(stories, 'local-api');

const again = 'node test/dist/support/socket/document.js writes it anew';

/** What takes a disk that fails, a gateway, or a fault in the agent. */
const notBrought: ReadonlySet<string> = new Set([
  ...['HF_INTERNAL', 'HF_AGENT_CLOSED', 'HF_ENTRY_DAMAGED'],
  ...['HF_JOURNAL_BUSY', 'HF_JOURNAL_FAILED', 'HF_JOURNAL_FULL', 'HF_DISK_FULL'],
  ...['HF_DEVICE_REVOKED', 'HF_GATEWAY_UNREACHABLE', 'HF_GATEWAY_UNTRUSTED'],
]);

test('docs/reference/socket-openapi.json says what an agent answers, and fails with', async (t) => {
  const story = await playStory(await tempDir(t));
  const text = readFileSync(socketDocumentUrl, 'utf8');
  const { valid, errors } = await new Validator().validate(JSON.parse(text));

  t.true(valid, JSON.stringify(errors));
  t.deepEqual(
    withoutExamples(JSON.parse(text)),
    withoutExamples(JSON.parse(socketDocument(story))),
    again,
  );
  for (const { route, path, status, code } of story) {
    const { method } = route;
    if (code === undefined) t.true(status < 300, `${method} ${path}: ${status}`);
    else {
      const codes: ReadonlySet<string> = codesOf(route).get(status) ?? new Set();
      t.true(codes.has(code), `${method} ${path}: ${status} ${code}`);
    }
  }
  const brought = new Set(
    story.map(({ route, code }) => `${addressOf(route)} ${route.method} ${code}`),
  );
  const routes = new Set(story.map(({ route }) => route));
  const unseen = [...socketRoutes, ...unversionedRoutes].flatMap((route) => {
    const codes = route.fails.filter((code) => !notBrought.has(code));
    const missing = [undefined, ...codes].map(
      (code) => `${addressOf(route)} ${route.method} ${code}`,
    );
    return missing.filter((each) => !brought.has(each));
  });
  // A device without a gateway has no key that anybody could know it by.
  t.deepEqual(unseen, ['/v1/rotate-key POST undefined']);
  t.is(routes.size, socketRoutes.length + unversionedRoutes.length);
});

test('each example of socket-openapi.json is of its schema', (t) => {
  const document = JSON.parse(readFileSync(socketDocumentUrl, 'utf8'));
  const ajv = new Ajv2020({ strict: false, validateFormats: false, allErrors: true });
  ajv.addSchema({ $id: 'document', components: document.components });
  const missing: string[] = [];
  let count = 0;
  for (const [path, methods] of Object.entries<Methods>(document.paths)) {
    for (const [method, { requestBody, responses }] of Object.entries(methods)) {
      const parts = Object.entries(responses).map(([status, part]) => [status, part] as const);
      for (const [name, part] of [...parts, ['body', requestBody] as const]) {
        const { schema, example, examples } = part?.content['application/json'] ?? {};
        const shown = [
          ...(example === undefined ? [] : [{ value: example }]),
          ...Object.values(examples ?? {}),
        ];
        const wants = schema !== undefined && (Number(name) < 300 || name === 'body');
        if (wants && shown.length === 0) missing.push(`${method} ${path} ${name}`);
        for (const { value } of shown) {
          const text = JSON.stringify(schema).replaceAll('"#/', '"document#/');
          const check = ajv.compile(JSON.parse(text));
          t.true(
            check(value),
            `${method} ${path} ${name}: ${JSON.stringify(check.errors)} ${again}`,
          );
          count += 1;
        }
      }
    }
  }

  t.deepEqual(missing, ['post /v1/rotate-key 202']);
  t.true(count > 80, String(count));
});

interface Methods {
  readonly [method: string]: {
    readonly requestBody?: Part;
    readonly responses: Readonly<Record<string, Part>>;
  };
}
interface Part {
  readonly content: {
    readonly 'application/json'?: {
      readonly schema: object;
      readonly example?: unknown;
      readonly examples?: Readonly<Record<string, { readonly value: unknown }>>;
    };
  };
}

for (const [program, needed, script] of [
  ['sh', 'curl', 'weigh.sh'],
  ['python3', 'python3', 'weigh.py'],
] as const) {
  const runs = hasProgram(needed) ? test : test.skip;

  runs(
    `${script} starts a run and completes its step from outside (needs ${needed})`,
    async (t) => {
      const socket = join(await tempDir(t), 'agent.sock');
      const dataDir = await tempDir(t);
      const agent = await Agent.open({ dataDir, device: 'scale-1', workflows: [weighing], socket });
      t.teardown(() => agent.close());
      const args = [join(folder, script), socket, 'tea', '125'];
      const { stdout } = await promisify(execFile)(program, args, { timeout: 60_000 });

      const last = JSON.parse(stdout.trim().split('\n').at(-1) ?? '');
      t.like(last, { schema: 'holdfast.run/1', id: 'weigh-tea', state: 'completed', output: 125 });
      const { lanes } = (await agent.status()).backlog;
      t.like(
        lanes.filter(({ lane }) => lane === 'bulk'),
        [{ head: 1 }],
        'the event',
      );
    },
  );
}

const flow = JSON.parse(
  readFileSync(join(stories, 'node-red/flows.json'), 'utf8'),
) as readonly FlowNode[];

/** What Node-RED brings along. */
const coreNodes: ReadonlySet<string> = new Set([
  ...['tab', 'subflow', 'inject', 'debug', 'function', 'http in', 'http response', 'catch'],
]);

test('the flow for Node-RED is of its core nodes, and each wire leads to one', (t) => {
  const ids = new Set(flow.map(({ id }) => id));
  const strangers = flow.filter(({ type }) => !coreNodes.has(type.replace(/:.*/, '')));
  const loose = flow.flatMap(({ wires = [] }) => wires.flat().filter((id) => !ids.has(id)));

  t.is(ids.size, flow.length);
  t.deepEqual([strangers, loose], [[], []]);
});

test('the flow for Node-RED starts a run, completes its step, emits, and looks', async (t) => {
  t.timeout(60_000);
  const socket = join(await tempDir(t), 'agent.sock');
  const runner = new FlowRunner(flow, socket);
  const askAt = await runner.listen(t);
  const dataDir = await tempDir(t);
  const workflows = [weighingByNodeRed];
  const agent = await Agent.open({ dataDir, device: 'scale-1', workflows, socket });
  t.teardown(() => agent.close());

  runner.inject('hf-start', ({ payload, ...rest }) => {
    const start = payload as { readonly input: object };
    return { ...rest, payload: { ...start, input: { ...start.input, askAt } } };
  });
  t.like(await runner.shown((shown) => has(shown, 'holdfast.started/1')), { created: true });
  const run = await agent.run('weigh-tea');
  t.like(await runner.shown((shown) => has(shown, 'holdfast.token-completed/1')), {
    failed: false,
  });
  t.is(await run.result(), 75);
  runner.inject('hf-door');
  t.like(await runner.shown((shown) => has(shown, 'holdfast.emitted/1')), { lane: 'urgent' });
  runner.inject('hf-every');
  t.is(
    typeof (await runner.shown((shown) => /ahead of the gateway/.test(String(shown)))),
    'string',
  );
  runner.inject('hf-door', (message) => ({ ...message, ask: 'POST /v1/complete' }));
  t.regex(String(await runner.shown((shown) => typeof shown === 'string')), /^HF_INPUT_INVALID/);
});

function has(shown: unknown, schema: string): boolean {
  return (shown as { readonly schema?: unknown } | undefined)?.schema === schema;
}
