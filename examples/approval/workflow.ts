import { workflow, type Context, type Duration } from '@holdfast/agent';
import { decision, decisionOf, type Decision } from './decision.ts';
import { deliver } from './notice.ts';

export interface Purchase {
  readonly what: string;
  /** In the smallest unit of the currency: 1290 is 12.90. */
  readonly amount: number;
  /** Who is asked, one after another. */
  readonly approvers: readonly string[];
  /** How long each has before the next is asked. Default 2 days. */
  readonly patience?: Duration;
}

export type Verdict =
  | ({ readonly outcome: 'decided' } & Decision)
  | { readonly outcome: 'unanswered'; readonly asked: readonly string[] };

/**
 * Has a purchase approved by a person, and by the next one when the first says nothing.
 *
 * While it waits, for minutes or weeks, a run costs neither memory nor power, and the deadline goes
 * on through restarts. An answer comes by signal, or by the token that the notice carried.
 */
export const approval = workflow('approval', decided, { signals: [decision] });

async function decided(ctx: Context, purchase: Purchase): Promise<Verdict> {
  for (const approver of purchase.approvers) {
    await ctx.setStatus(`waiting for ${approver}`);
    const said = await ask(ctx, purchase, approver);
    if (said !== undefined) {
      await ctx.setStatus(`${said.approved ? 'approved' : 'refused'} by ${said.by}`);
      return { outcome: 'decided', ...said };
    }
    await ctx.emit('approval.unanswered', { approver, what: purchase.what }, { lane: 'urgent' });
  }
  await ctx.setStatus('nobody answered');
  return { outcome: 'unanswered', asked: purchase.approvers };
}

const untilDelivered = { attempts: Infinity, minDelay: '200ms', maxDelay: '1m' } as const;

/** The decision of one approver, or of somebody who was faster; `undefined`: none in time. */
async function ask(
  ctx: Context,
  purchase: Purchase,
  approver: string,
): Promise<Decision | undefined> {
  const { patience = '2d' } = purchase;
  const round = ctx.scope((inner) =>
    Promise.race([
      answerByToken(inner, purchase, approver),
      inner.waitFor(decision),
      inner.sleep(patience).then(() => undefined),
    ]),
  );
  const said = await round.result;
  // What lost the race ends here: its token is void, and its wait takes no later signal.
  round.cancel('this approver is not waited for any more');
  return said;
}

async function answerByToken(ctx: Context, purchase: Purchase, to: string): Promise<Decision> {
  const { what, amount } = purchase;
  for (let text = `${what} for ${amount / 100}: yes or no?`; ; text = `${text} (once more)`) {
    const answer: unknown = await ctx.step(
      `ask ${to}`,
      (info) => deliver({ to, text, run: ctx.runId, token: info.token }, info),
      { external: true, retry: untilDelivered, timeout: '5s' },
    );
    const said = decisionOf(answer);
    if (said !== undefined) return said;
  }
}
