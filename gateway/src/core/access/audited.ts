import type { CaDesk } from '../certificates/ca-desk.ts';
import type { Fleet } from '../fleet-views.ts';
import type { AccessDesk } from './access-views.ts';
import type { AuditLog } from './audit-log.ts';

/** The fleet, with every change that is made through it in the audit log. */
export function auditedFleet(fleet: Fleet, audit: AuditLog, who: string): Fleet {
  const by = { who, from: '' };
  return {
    ...fleet,
    rekey: (device, key) =>
      audit.record({ ...by, action: 'device.rekey', target: device }, () =>
        fleet.rekey(device, key),
      ),
    revoke: (device) =>
      audit.record({ ...by, action: 'device.revoke', target: device }, () => fleet.revoke(device)),
    erase: (query) =>
      audit.record({ ...by, action: 'ledger.erase', target: 'a subject' }, () =>
        fleet.erase(query),
      ),
    tag: (device, tags) =>
      audit.record({ ...by, action: 'device.tag', target: device }, () => fleet.tag(device, tags)),
    requeueCalls: (query) =>
      audit.record({ ...by, action: 'call.requeue', target: query.service }, () =>
        fleet.requeueCalls(query),
      ),
    addWebhook: (order) =>
      audit.record({ ...by, action: 'webhook.add', target: originOf(order.url) }, () =>
        fleet.addWebhook(order),
      ),
    enableWebhook: (id) =>
      audit.record({ ...by, action: 'webhook.enable', target: id }, () => fleet.enableWebhook(id)),
    removeWebhook: (id) =>
      audit.record({ ...by, action: 'webhook.remove', target: id }, () => fleet.removeWebhook(id)),
    testWebhook: (id) =>
      audit.record({ ...by, action: 'webhook.test', target: id }, () => fleet.testWebhook(id)),
    requeueEvents: (query) =>
      audit.record({ ...by, action: 'webhook.requeue', target: query.id }, () =>
        fleet.requeueEvents(query),
      ),
    failCalls: (query) =>
      audit.record({ ...by, action: 'call.fail', target: query.service }, () =>
        fleet.failCalls(query),
      ),
    issue: (query) =>
      audit.record({ ...by, action: 'command.issue', target: `${query.kind} ${query.id}` }, () =>
        fleet.issue(query),
      ),
  };
}

/** The authority, with every change of it in the audit log. */
export function auditedCa(ca: CaDesk, audit: AuditLog, who: string): CaDesk {
  const by = { who, from: '' };
  return {
    ...ca,
    rotate(isTrusted) {
      const target = isTrusted ? '' : 'distrusting the ones before';
      return audit.record({ ...by, action: 'ca.rotate', target }, () => ca.rotate(isTrusted));
    },
    issue: (wish) =>
      audit.record({ ...by, action: 'ca.issue', target: wish.name }, () => ca.issue(wish)),
  };
}

/** Without its path and query, which may hold a secret. */
export function originOf(url: string): string {
  return /^[a-z]+:\/\/[^/?#]{1,200}/i.exec(url)?.[0] ?? 'a URL';
}

/** The desk, with every change that is made at it in the audit log. */
export function auditedDesk(desk: AccessDesk, audit: AuditLog, who: string): AccessDesk {
  const noted = <T>(action: string, target: string, work: () => Promise<T>): Promise<T> =>
    audit.record({ who, from: '', action, target }, work);
  return {
    ...desk,
    addUser: (user) => noted('user.add', user.name, () => desk.addUser(user)),
    changeUser: (name, change) => noted('user.set', name, () => desk.changeUser(name, change)),
    removeUser: (name) => noted('user.rm', name, () => desk.removeUser(name)),
    createToken: (order) => noted('token.create', order.name, () => desk.createToken(order)),
    createEnrolment: (order) =>
      noted('enrolment.create', order.device ?? 'any', () => desk.createEnrolment(order)),
    revokeEnrolment: (id) => noted('enrolment.revoke', id, () => desk.revokeEnrolment(id)),
    revokeToken: (id) => noted('token.revoke', id, () => desk.revokeToken(id)),
  };
}
