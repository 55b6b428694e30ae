import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { Agent } from '@holdfast/agent';
import { askApi, getFromApi } from '@holdfast/device-sim';
import test from 'ava';
import { serveGateway, serveGatewayAs } from '../support/gateway-process.ts';
import { tempDir } from '../support/temp-dir.ts';

/** From `test/dist/system`. */
const older = ['--import', new URL('../support/older-gateway.js', import.meta.url).href];

interface Place {
  readonly entries: readonly { readonly seq: number; readonly kind: string | null }[];
  readonly holes: readonly unknown[];
}

test('what an older gateway cannot read is a hole; a newer one reads all else', async (t) => {
  const dir = await tempDir(t);
  const [gatewayDir, dataDir] = [join(dir, 'gateway'), join(dir, 'device')];
  const before = await serveGatewayAs(t, older, gatewayDir);
  const own = { dataDir, device: 'd1', workflows: [] };
  const agent = await Agent.open(own);
  t.teardown(() => agent.close());
  const facts = Array.from({ length: 100 }, (_, index) => ({ index }));
  await Promise.all(facts.slice(0, 50).map((fact) => agent.emit('fact', fact)));
  // One entry of 30 kB, which is too large for it.
  await agent.emit('large', new Uint8Array(randomBytes(30_000)));
  // Parts of a kind that it does not know, which it keeps all the same.
  await agent.emit('long', 'x'.repeat(100_000));
  await Promise.all(facts.slice(50).map((fact) => agent.emit('fact', fact)));
  await agent.close();

  const sending = await Agent.open({ ...own, gateway: before.mqtt });
  t.teardown(() => sending.close());
  await sending.synced({ timeout: '60s' });

  const { backlog, problems } = await sending.status();
  t.like(backlog.setAside, [{ lane: 'normal', seq: 51 }]);
  t.true(problems.some(({ code }) => code === 'HF_ENTRY_UNSENDABLE'));
  const metrics = await (await askApi(before, '/metrics')).text();
  // Once among others, if it was not alone from the beginning, and twice alone.
  t.regex(metrics, /gateway_refused_messages_total\{code="HF_MESSAGE_INVALID"\} [23]\n/);
  await sending.close();
  await before.end('SIGTERM');

  const after = await serveGateway(t, gatewayDir);
  const again = await Agent.open({ ...own, gateway: after.mqtt });
  t.teardown(() => again.close());
  await again.emit('fact', 'the last');
  await again.synced({ timeout: '60s' });
  const { head = 0 } = (await again.status()).backlog.lanes[1] ?? {};
  const page = await getFromApi<Place>(after, '/api/devices/d1/entries?lane=normal&limit=500');
  const seqs = page.entries.map(({ seq }) => seq);
  const all = Array.from({ length: head }, (_, index) => index + 1);
  t.deepEqual(seqs, all.filter((seq) => seq !== 51));
  t.like(page.holes, [{ lane: 'normal', seqFirst: 51, seqLast: 51, reason: 'refused' }]);
  const long = page.entries.filter(({ kind }) => kind === 'value.part').length + 52;
  const path = `/api/devices/d1/value?lane=normal&seq=${long}`;
  t.is((await getFromApi<{ value: string }>(after, path)).value, 'x'.repeat(100_000));
});
