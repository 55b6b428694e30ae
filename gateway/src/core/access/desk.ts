import { HoldfastError, writeEnrolToken, type Clock } from '@holdfast/protocol';
import { rfc3339 } from '../entry-view.ts';
import type { Access } from './access.ts';
import type { AccessDesk } from './access-views.ts';
import { tokenView } from './api-tokens.ts';
import { enrolmentView } from './enrolments.ts';
import { userView } from './users.ts';

/** How devices find a gateway, and know it. */
export interface GatewayPlace {
  readonly url: string;
  /** SHA-256 of the certificate that its API shows, or of its authority's; empty: none. */
  readonly certificate: string;
  /** Name of its key. */
  readonly key: string;
}

/** What the users and tokens of a gateway are asked, and told, by somebody. */
export function createDesk(
  access: Access,
  clock: Pick<Clock, 'nowMs'>,
  by: string,
  place?: () => GatewayPlace,
): AccessDesk {
  const now = () => rfc3339(clock.nowMs()) ?? '';
  return {
    async users() {
      const users = (await access.users.all()).map(userView);
      return { schema: 'holdfast.users/1', at: now(), users };
    },
    async addUser(user) {
      const row = await access.users.add(user, by);
      return { schema: 'holdfast.user/1', at: now(), ...userView(row) };
    },
    async changeUser(name, change) {
      const row = await access.users.change(name, change);
      return { schema: 'holdfast.user/1', at: now(), ...userView(row) };
    },
    async removeUser(name) {
      await access.users.remove(name);
      return { schema: 'holdfast.user-removed/1', at: now(), name };
    },
    async tokens() {
      const nowMs = clock.nowMs();
      const tokens = (await access.tokens.all()).map((row) => tokenView(row, nowMs));
      return { schema: 'holdfast.tokens/1', at: now(), tokens };
    },
    async createToken(order) {
      const { row, token } = await access.tokens.create(order, by);
      const view = tokenView(row, clock.nowMs());
      return { schema: 'holdfast.token-made/1', at: now(), ...view, token };
    },
    async revokeToken(id) {
      const row = await access.tokens.revoke(id);
      return { schema: 'holdfast.token/1', at: now(), ...tokenView(row, clock.nowMs()) };
    },
    async enrolments() {
      const nowMs = clock.nowMs();
      const enrolments = (await access.enrolments.all()).map((row) => enrolmentView(row, nowMs));
      return { schema: 'holdfast.enrolments/1', at: now(), enrolments };
    },
    async createEnrolment(order) {
      const { url, certificate, key } = placeOf(place, order.address);
      const { row, secret } = await access.enrolments.create(order, by);
      const { device } = row;
      const token = writeEnrolToken({ secret, gatewayKey: key, certificate, device, url });
      const view = enrolmentView(row, clock.nowMs());
      return { schema: 'holdfast.enrolment-made/1', at: now(), ...view, token };
    },
    async revokeEnrolment(id) {
      const row = await access.enrolments.revoke(id);
      return { schema: 'holdfast.enrolment/1', at: now(), ...enrolmentView(row, clock.nowMs()) };
    },
    audit: (query) => access.audit.page(query),
  };
}

/** Where devices enrol. @throws HF_REQUEST_INVALID */
function placeOf(place: (() => GatewayPlace) | undefined, address?: string): GatewayPlace {
  if (place === undefined) {
    const why = 'the gateway does not run: a token names its address and its certificate';
    throw new HoldfastError('HF_REQUEST_INVALID', { why });
  }
  const own = place();
  const url = address ?? own.url;
  if (!/^https?:\/\/(?:0\.0\.0\.0|\[::\])(?::|$)/.test(url)) return { ...own, url };
  const why = `${url} is no address that a device reaches: say with address which one is`;
  throw new HoldfastError('HF_REQUEST_INVALID', { why });
}
