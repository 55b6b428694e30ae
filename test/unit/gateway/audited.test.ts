import {
  auditedCa,
  auditedDesk,
  auditedFleet,
  type AccessDesk,
  type AuditLog,
  type CaDesk,
  type Fleet,
} from '@holdfast/gateway/internal';
import test from 'ava';

type What = 'reads' | 'changes';
/** What each operation does: one that is new is not compiled before it is said here. */
type Known<T> = Readonly<Record<keyof T, What>>;

const fleet: Known<Fleet> = {
  ...{ exportPage: 'reads', devices: 'reads', device: 'reads', runs: 'reads', entries: 'reads' },
  ...{ quarantine: 'reads', value: 'reads', verify: 'reads', erasures: 'reads', held: 'reads' },
  ...{ commands: 'reads', command: 'reads', commandDevices: 'reads' },
  ...{ deviceCommands: 'reads', prunings: 'reads' },
  ...{ calls: 'reads', services: 'reads', fleetBacklog: 'reads', deviceBacklog: 'reads' },
  ...{ webhooks: 'reads', deadEvents: 'reads' },
  ...{ rekey: 'changes', revoke: 'changes', erase: 'changes', tag: 'changes', issue: 'changes' },
  ...{ requeueCalls: 'changes', failCalls: 'changes', addWebhook: 'changes' },
  ...{ enableWebhook: 'changes', removeWebhook: 'changes', testWebhook: 'changes' },
  requeueEvents: 'changes',
};
const desk: Known<AccessDesk> = {
  ...{ users: 'reads', tokens: 'reads', enrolments: 'reads', audit: 'reads' },
  ...{ addUser: 'changes', changeUser: 'changes', removeUser: 'changes' },
  ...{ createToken: 'changes', revokeToken: 'changes' },
  ...{ createEnrolment: 'changes', revokeEnrolment: 'changes' },
};
const ca: Known<CaDesk> = {
  ...{ show: 'reads', revocations: 'reads', rotate: 'changes', issue: 'changes' },
};

type Operations = Readonly<Record<string, (given: unknown) => Promise<unknown>>>;

/** What is in the log after an operation, and whether it was there before it was done. */
async function notedBy(name: string, wrap: (plain: Operations, audit: AuditLog) => Operations) {
  const steps: string[] = [];
  const audit = {
    async record({ who }: { readonly who: string }, work: () => Promise<unknown>) {
      steps.push(`noted of ${who}`);
      return work();
    },
  };
  const plain = { [name]: async () => void steps.push('done') };
  // Of the log only this is asked for.
  const audited = wrap(plain, audit as unknown as AuditLog);
  await audited[name]?.({ url: 'https://a.example/', name: 'a', device: 'a' });
  return steps.join(', ');
}

type Wrap = (plain: Operations, audit: AuditLog, who: string) => Operations;

const wraps = {
  ...{ fleet: [fleet, auditedFleet], desk: [desk, auditedDesk], ca: [ca, auditedCa] },
  // Each is called for what it notes alone: what it is given and gives is of no matter.
} as unknown as Readonly<Record<string, readonly [Readonly<Record<string, What>>, Wrap]>>;

for (const [of, [known, wrap]] of Object.entries(wraps)) {
  test(`each change by the command line is noted before it is made: ${of}`, async (t) => {
    for (const [name, what] of Object.entries(known)) {
      const noted = await notedBy(name, (plain, audit) => wrap(plain, audit, 'cli'));
      t.is(noted, what === 'changes' ? 'noted of cli, done' : 'done', name);
    }
  });
}
