import type { StepInfo } from '@holdfast/agent';

const noticeUrl = process.env['NOTICE_URL'] ?? 'http://127.0.0.1:4005';

/** What an approver is sent. Whoever has the token can answer in their place. */
export interface Notice {
  readonly to: string;
  readonly text: string;
  readonly run: string;
  readonly token: string;
}

/** The notice is not known to have been delivered. */
export class NoticeUndelivered extends Error {
  override readonly name = 'NoticeUndelivered';
}

export async function deliver(notice: Notice, info: StepInfo): Promise<void> {
  const response = await fetch(new URL('/notices', noticeUrl), {
    method: 'POST',
    headers: { 'content-type': 'application/json', 'idempotency-key': info.idempotencyKey },
    body: JSON.stringify(notice),
    signal: info.signal,
  });
  await response.body?.cancel();
  if (!response.ok) throw new NoticeUndelivered(`the service answered ${response.status}`);
}
