import test from 'ava';
import { Agent } from '@holdfast/agent';
import { holdfast } from '../support/holdfast-cli.ts';
import { errand, executed } from '../support/lived-store.ts';
import { recordedStores } from '../support/recorded-store.ts';
import { tempDir } from '../support/temp-dir.ts';

for (const { name, path, options } of recordedStores) {
  test(`a store of format 1 is taken as it was first written, ${name}`, async (t) => {
    const dir = await tempDir(t);
    const restored = await holdfast(['store', 'restore', path, '--data-dir', dir, '-o', 'json']);
    t.is(restored.code, 0, restored.stderr);
    const agent = await Agent.open({ dataDir: dir, device: 'd1', workflows: [errand], ...options });
    const waiting = await agent.run('errand-0-0');
    await waiting.signal('go');
    const ended = await agent.run('errand-0-1');
    const lasts = [await waiting.result(), await ended.result()].map((each) => each as unknown[]);
    const { runs } = await agent.surface.runs({ all: true, limit: 100 });
    await agent.close();
    const { rows, epoch } = JSON.parse(restored.stdout) as { rows: number; epoch: number };

    t.deepEqual(
      lasts.map((each) => each.at(-1)),
      ['third of errand-0-0', 'third of errand-0-1'],
    );
    t.deepEqual([runs.length, epoch], [6, 1]);
    t.true(rows > 50);
    t.false(executed.includes('errand-0-0/first'));
  });
}
