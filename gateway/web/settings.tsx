import { ApiTokens } from './api-tokens.tsx';
import { Audit } from './audit.tsx';
import { Users } from './users.tsx';
import { Webhooks } from './webhooks.tsx';

export function Settings() {
  return (
    <>
      <h1>Settings</h1>
      <Users />
      <ApiTokens />
      <Webhooks />
      <Audit />
    </>
  );
}
