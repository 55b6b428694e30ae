import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { ExecutionContext } from 'ava';

/** An endpoint that answers as it is told to. */
export interface WebhookTarget {
  readonly url: string;
  answer: number;
}

export async function openTarget(t: Pick<ExecutionContext, 'teardown'>): Promise<WebhookTarget> {
  const target = { url: '', answer: 200 };
  const server = createServer((request, response) => {
    request.resume().once('end', () => response.writeHead(target.answer).end());
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.teardown(() => server.close());
  target.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/orders`;
  return target;
}
