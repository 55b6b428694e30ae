// Made of docs/reference/openapi.json: node test/dist/support/client-operations.js
export interface TokensOperations {
  /** API tokens, without their secrets. */
  readonly 'GET /api/tokens': {
    readonly answer: {
      readonly schema: 'holdfast.tokens/1';
      readonly at: string;
      readonly tokens: readonly {
        readonly id: string;
        readonly name: string;
        readonly role: 'viewer' | 'operator' | 'admin';
        readonly state: 'valid' | 'expired' | 'revoked';
        readonly createdAt: string | null;
        readonly createdBy: string;
        readonly expiresAt: string | null;
        readonly revokedAt: string | null;
      }[];
    };
  };

  /** Make an API token. */
  readonly 'POST /api/tokens': {
    readonly body: {
      readonly name: string;
      readonly role: 'viewer' | 'operator' | 'admin';
      readonly expiresInSeconds: number | null;
    };
    readonly answer: {
      readonly schema: 'holdfast.token-made/1';
      readonly at: string;
      readonly id: string;
      readonly name: string;
      readonly role: 'viewer' | 'operator' | 'admin';
      readonly state: 'valid' | 'expired' | 'revoked';
      readonly createdAt: string | null;
      readonly createdBy: string;
      readonly expiresAt: string | null;
      readonly revokedAt: string | null;
      readonly token: string;
    };
  };

  /** Have a token, by its id, let nobody in any more. */
  readonly 'DELETE /api/tokens/{name}': {
    readonly params: { readonly name: string };
    readonly answer: {
      readonly schema: 'holdfast.token/1';
      readonly at: string;
      readonly id: string;
      readonly name: string;
      readonly role: 'viewer' | 'operator' | 'admin';
      readonly state: 'valid' | 'expired' | 'revoked';
      readonly createdAt: string | null;
      readonly createdBy: string;
      readonly expiresAt: string | null;
      readonly revokedAt: string | null;
    };
  };
}
