import { readFileSync } from 'node:fs';
import { ApiError, createClient, pathOf } from '@holdfast/gateway/client';
import test from 'ava';
import { clientFiles, clientUrl } from '../../support/client-operations.ts';

test('the operations of the client are those of the OpenAPI document', (t) => {
  for (const [name, text] of clientFiles()) {
    const stored = readFileSync(new URL(name, clientUrl), 'utf8');
    t.is(stored, text, 'node test/dist/support/client-operations.js');
  }
});

interface Asked {
  readonly to: string;
  readonly init: RequestInit | undefined;
}

function clientOf(status: number, answer: unknown, options: object = {}) {
  const asked: Asked[] = [];
  const send = async (to: string | URL | Request, init?: RequestInit): Promise<Response> => {
    asked.push({ to: to instanceof Request ? to.url : String(to), init });
    return new Response(status === 204 ? null : JSON.stringify(answer), { status });
  };
  return { client: createClient({ fetch: send, ...options }), asked };
}

test('an operation is asked for with its parameters, its query and its body', async (t) => {
  const { client, asked } = clientOf(200, { runs: [] }, { url: 'https://gw/', token: 'hft_1' });
  const tag = ['site=oslo', 'line=2'];
  const params = { id: 'a b' };
  await client.ask('GET /api/devices/{id}/runs', { params, query: { limit: 5 } });
  await client.ask('GET /api/devices', { query: { tag, after: undefined } });
  await client.ask('POST /api/webhooks/{id}/requeue', { params: { id: 'wh-1' }, body: {} });
  await client.ask('GET /api/services');

  t.deepEqual(
    asked.map(({ to, init }) => [init?.method, to, init?.body]),
    [
      ['GET', 'https://gw/api/devices/a%20b/runs?limit=5', undefined],
      ['GET', 'https://gw/api/devices?tag=site%3Doslo&tag=line%3D2', undefined],
      ['POST', 'https://gw/api/webhooks/wh-1/requeue', '{}'],
      ['GET', 'https://gw/api/services', undefined],
    ],
  );
  t.deepEqual(asked[0]?.init?.headers, { authorization: 'Bearer hft_1' });
  t.is(pathOf('GET /api/commands/{id}', { params: { id: 'x/y' } }), '/api/commands/x%2Fy');
});

test('what is not done is an error with what the API said, or that nobody did', async (t) => {
  const problem = { code: 'HF_DEVICE_UNKNOWN', title: 'no', detail: 'pump-9', hint: 'look' };
  const { client } = clientOf(404, problem);
  const refused = client.ask('GET /api/devices/{id}', { params: { id: 'pump-9' } });
  const error = await t.throwsAsync(refused, { instanceOf: ApiError, message: 'pump-9' });
  t.like(error?.problem, { ...problem, status: 404 });

  const nobody = createClient({ fetch: () => Promise.reject(new TypeError('fetch failed')) });
  const away = await t.throwsAsync(nobody.ask('GET /api/devices'), { instanceOf: ApiError });
  t.like(away?.problem, { status: 0, code: 'HF_GATEWAY_UNREACHABLE' });
  t.is(await clientOf(204, null).client.ask('DELETE /api/session'), undefined);
});
