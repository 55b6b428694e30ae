import type { Clock } from '@holdfast/protocol';
import { rfc3339 } from '../entry-view.ts';
import type { Access } from './access.ts';
import type { AccessDesk } from './access-views.ts';
import { tokenView } from './api-tokens.ts';
import { userView } from './users.ts';

/** What the users and tokens of a gateway are asked, and told, by somebody. */
export function createDesk(access: Access, clock: Pick<Clock, 'nowMs'>, by: string): AccessDesk {
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
    audit: (query) => access.audit.page(query),
  };
}
