import { createHmac, generateKeyPairSync } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import {
  GatewayMeter,
  checkTarget,
  createPost,
  csvOf,
  exportPage,
  everything,
  isPublic,
  ndjsonOf,
  readOutId,
  secretBox,
  signed,
  testEvent,
  type OutFilter,
  type OutRecord,
} from '@holdfast/gateway/internal';
import test, { type ExecutionContext } from 'ava';
import { HandJournal, newSigner, requested, started } from '../../support/hand-journal.ts';
import { ledgers } from '../../support/ledgers.ts';

const event = testEvent('gw-1', 'test-1', 1_000);
const secret = new Uint8Array(32).fill(7);
const hook = 'wh-1';
const newKey = () => generateKeyPairSync('ec', { namedCurve: 'prime256v1' }).privateKey;
const secrets = secretBox(newKey());
const sealed = secrets.seal(hook, secret);
const { signal } = new AbortController();

test('addresses that are not of the internet at large are told from those that are', (t) => {
  const inside = [
    ...['127.0.0.1', '10.1.2.3', '172.31.255.255', '192.168.0.1', '169.254.169.254', '0.0.0.0'],
    ...['100.64.0.1', '198.18.0.1', '224.0.0.1', '255.255.255.255', '::1', '::', 'fe80::1'],
    ...['fd00:ec2::254', '::ffff:10.0.0.1', '64:ff9b::a00:1', '2002:a00:1::1', 'ff02::1'],
    ...['2001:db8::1', 'localhost', '', '0x7f.1'],
  ];
  t.deepEqual(inside.filter(isPublic), []);
  const outside = ['1.1.1.1', '172.32.0.1', '8.8.8.8', '2606:4700::1111', '2a00:1450::1'];
  t.deepEqual(outside.filter(isPublic), outside);
});

test('where a webhook may not go is refused when somebody asks for it', async (t) => {
  const refused = [
    ...['https://127.0.0.1/', 'https://[::1]/', 'https://localhost/', 'https://2130706433/'],
    ...['https://0x7f000001/', 'https://[::ffff:a00:1]/', 'https://169.254.169.254/latest'],
    ...['http://1.1.1.1/', 'ftp://1.1.1.1/', 'file:///etc/passwd', 'nonsense', ''],
    ...['https://user:pass@1.1.1.1/', `https://1.1.1.1/${'x'.repeat(3_000)}`],
  ];
  for (const url of refused) {
    const checked = checkTarget(url, { isPrivateAllowed: false });
    await t.throwsAsync(checked, { code: 'HF_WEBHOOK_TARGET' }, url);
  }
  await t.notThrowsAsync(checkTarget('https://1.1.1.1/hook', { isPrivateAllowed: false }));
  await t.notThrowsAsync(checkTarget('http://127.0.0.1:8/', { isPrivateAllowed: true }));
});

async function serve(
  t: ExecutionContext,
  answer: (response: ServerResponse) => void,
): Promise<{ readonly url: string; readonly asked: string[]; readonly headers: object[] }> {
  const asked: string[] = [];
  const headers: object[] = [];
  const server = createServer((request, response) => {
    let body = '';
    request.setEncoding('utf8').on('data', (chunk: string) => (body += chunk));
    request.on('end', () => {
      asked.push(body);
      headers.push(request.headers);
      answer(response);
    });
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  t.teardown(() => {
    server.closeAllConnections();
    server.close();
  });
  const { port } = server.address() as AddressInfo;
  return { url: `http://127.0.0.1:${port}/hook`, asked, headers };
}

function countedBy(meter: GatewayMeter): object {
  const found = meter.metrics().find(({ name }) => name === 'gateway_webhook_posts_total');
  const values = found?.values ?? [];
  return Object.fromEntries(values.map(({ labels, value }) => [labels?.['outcome'], value]));
}

test('a name that leads inside is refused at the connection, whatever it was before', async (t) => {
  const { asked, url } = await serve(t, (response) => void response.end());
  const meter = new GatewayMeter();
  const post = createPost({ isPrivateAllowed: false, secrets, meter });
  for (const to of ['https://localhost/', 'https://127.0.0.1/', url]) {
    const outcome = await post({ id: hook, url: to, secret: sealed }, event, signal);
    t.is(outcome.kind, 'unavailable');
    t.regex(outcome.kind === 'unavailable' ? outcome.why : '', /HF_WEBHOOK_TARGET/, to);
  }
  t.deepEqual(asked, []);
  t.deepEqual(countedBy(meter), { barred: 3 });
});

test('an event is signed over its id, its time and its body', async (t) => {
  const { asked, headers, url } = await serve(t, (response) => void response.end());
  const post = createPost({ isPrivateAllowed: true, secrets });
  const outcome = await post({ id: hook, url, secret: sealed }, event, signal);

  t.deepEqual(outcome, { kind: 'taken' });
  const got = headers[0] as Readonly<Record<string, string>>;
  t.is(got['content-type'], 'application/cloudevents+json; charset=utf-8');
  t.is(got['webhook-id'], 'test-1');
  const text = `test-1.${got['webhook-timestamp']}.${asked[0]}`;
  const mac = createHmac('sha256', secret).update(text).digest('base64');
  t.is(got['webhook-signature'], `v1,${mac}`);
  t.true(Math.abs(Number(got['webhook-timestamp']) - Date.now() / 1_000) < 60);
  t.is(
    signed({ ...event, id: 'msg-1' }, secret, 1_700_000_000_500).headers['webhook-timestamp'],
    '1700000000',
  );
});

test('a secret is opened by the key of its gateway alone, and for its webhook', async (t) => {
  t.deepEqual(Uint8Array.from(secrets.open(hook, sealed)), secret);
  t.false(Buffer.from(sealed).includes(Buffer.from(secret)));
  const damaged = { code: 'HF_STORE_DAMAGED' };
  t.throws(() => secretBox(newKey()).open(hook, sealed), damaged, 'another gateway');
  t.throws(() => secrets.open('wh-2', sealed), damaged, 'another webhook');
  t.throws(() => secrets.open(hook, sealed.subarray(1)), damaged);
  t.throws(() => secrets.open(hook, new Uint8Array()), damaged);

  const { asked, url } = await serve(t, (response) => void response.end());
  const post = createPost({ isPrivateAllowed: true, secrets: secretBox(newKey()) });
  const outcome = await post({ id: hook, url, secret: sealed }, event, signal);
  t.is(outcome.kind, 'unavailable');
  t.regex(outcome.kind === 'unavailable' ? outcome.why : '', /identity\/gateway\.key/);
  t.deepEqual(asked, [], 'nothing is sent that nobody can believe');
});

test('what an endpoint answers says what becomes of the event', async (t) => {
  const answers: readonly (readonly [number, object, object])[] = [
    [204, {}, { kind: 'taken' }],
    [302, { location: 'http://169.254.169.254/' }, { kind: 'refused', status: 302 }],
    [410, {}, { kind: 'gone', status: 410 }],
    [422, {}, { kind: 'refused', status: 422, why: 'it answered 422: no such customer' }],
    [429, { 'retry-after': '7' }, { kind: 'unavailable', status: 429, retryAfterMs: 7_000 }],
    [500, {}, { kind: 'unavailable', status: 500, retryAfterMs: 0 }],
  ];
  const meter = new GatewayMeter();
  const post = createPost({ isPrivateAllowed: true, secrets, meter });
  for (const [status, headers, outcome] of answers) {
    const body = status === 204 ? undefined : 'no such customer';
    const { url } = await serve(t, (response) => {
      response.writeHead(status, { ...headers }).end(body);
    });
    t.like(await post({ id: hook, url, secret: sealed }, event, signal), outcome, String(status));
  }
  const gone = await post({ id: hook, url: 'http://127.0.0.1:1/', secret: sealed }, event, signal);
  t.like(gone, { kind: 'unavailable', status: 0 });
  const counted = { taken: 1, redirect: 1, gone: 1, refused: 1, unavailable: 3 };
  t.deepEqual(countedBy(meter), counted, 'a redirect is not followed');
});

const record = (more: object): OutRecord => ({
  ...{ id: 'd1/1/normal/1', device: 'd1', workflow: 'checkout', lane: 'normal', epoch: 1, seq: 1 },
  ...{ receivedAt: '2026-03-01T12:00:00.000Z', bytes: 9, kind: 'event.emitted', ...more },
});

test('a line of CSV is quoted, and shows what a spreadsheet would take for a formula', (t) => {
  const line = csvOf(record({ name: '=HYPERLINK("http://x")', run: '@r,1', payload: { a: '"' } }));

  t.is(
    line,
    'd1/1/normal/1,d1,1,normal,1,2026-03-01T12:00:00.000Z,,,event.emitted,checkout,' +
      `"'@r,1","'=HYPERLINK(""http://x"")","{""payload"":{""a"":""\\""""}}"\r\n`,
  );
  for (const cell of ['+1', '-1', '\t=1', '\r=1']) {
    t.regex(csvOf(record({ name: cell })), new RegExp(`'[${cell[0]}]`));
  }
  t.deepEqual(JSON.parse(ndjsonOf(record({ name: 'a' }))).schema, 'holdfast.exported/1');
});

test('an export goes on behind any record, and fits what is asked for', async (t) => {
  const open = ledgers['the ledger in the simulated store'];
  if (open === undefined) return t.fail('no such ledger');
  const { ledger } = await open(t);
  const { publicKey } = newSigner();
  for (const [device, epoch] of [['d1', 1], ['d1', 3], ['d2', 1]] as const) {
    const journal = new HandJournal(device, epoch).append('urgent', requested('r1'));
    journal.append('normal', started('r1')).facts('normal', 700);
    await ledger.greet({ device, epoch, publicKey, atMs: epoch });
    await ledger.ingest({ ...journal.ingest('urgent', 1, 1), receivedAtMs: epoch });
    await ledger.ingest({ ...journal.ingest('normal', 1, 701), receivedAtMs: epoch });
  }
  const idsOf = async (filter: Partial<OutFilter>, from?: string): Promise<readonly string[]> => {
    const ids: string[] = [];
    let after = from;
    for (;;) {
      const query = { filter: { ...everything, ...filter }, isPersonal: false, after };
      const { records, next } = await exportPage(ledger, query);
      ids.push(...records.map(({ id }) => id));
      if (next === null) return ids;
      after = next;
    }
  };

  const all = await idsOf({});
  t.is(all.length, 3 * 702);
  t.is(new Set(all).size, all.length);
  t.deepEqual([all[0], all[1], all[702], all.at(-1)], [
    ...['d1/1/urgent/1', 'd1/1/normal/1', 'd1/3/urgent/1', 'd2/1/normal/701'],
  ]);
  for (const at of [0, 500, 701, 702, all.length - 1]) {
    t.deepEqual(await idsOf({}, all[at]), all.slice(at + 1), `behind ${all[at]}`);
  }
  t.deepEqual(await idsOf({ devices: ['d2'], kinds: ['run.started'] }), ['d2/1/normal/1']);
  t.is((await idsOf({ workflows: ['checkout'] })).length, 6, 'its calls are found by their run');
  t.is((await idsOf({ sinceMs: 2, beforeMs: 4 })).length, 702);
  t.deepEqual(await idsOf({ tags: [{ name: 'site', value: 'oslo' }] }), []);
  const wrong = exportPage(ledger, { filter: everything, isPersonal: false, after: 'd1/1' });
  await t.throwsAsync(wrong, { code: 'HF_REQUEST_INVALID' });
});

test('the id of a record is read, and nothing else', (t) => {
  t.deepEqual(readOutId('d-1/3/urgent/7'), { device: 'd-1', epoch: 3, lane: 'urgent', seq: 7 });
  const wrong = ['', 'd/1/normal', 'd/1/fast/1', 'd/0/normal/1', 'd/1/normal/1/', '../1/normal/1'];
  for (const text of wrong) t.is(readOutId(text), undefined, text);
});
