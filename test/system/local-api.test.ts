import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { Validator } from '@seriousme/openapi-schema-validator';
import test from 'ava';
import { Agent } from '@holdfast/agent';
import { weighing } from '@holdfast/examples/local-api/workflow';
import { hasProgram } from '../support/program.ts';
import { socketDocument, socketDocumentUrl } from '../support/socket-document.ts';
import { tempDir } from '../support/temp-dir.ts';

const folder = fileURLToPath(new URL('../../../examples/local-api', import.meta.url));

test('docs/reference/socket-openapi.json describes what the agent serves', async (t) => {
  const text = socketDocument();
  const { valid, errors } = await new Validator().validate(JSON.parse(text));

  t.true(valid, JSON.stringify(errors));
  t.is(readFileSync(socketDocumentUrl, 'utf8'), text);
});

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
