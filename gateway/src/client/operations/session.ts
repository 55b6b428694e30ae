// Made of docs/reference/openapi.json: node test/dist/support/client-operations.js
export interface SessionOperations {
  /** Log in: opens a session, which is in a cookie. */
  readonly 'POST /api/session': {
    readonly body: { readonly user: string; readonly password: string };
    readonly answer: {
      readonly schema: 'holdfast.session/1';
      readonly at: string;
      readonly who: string;
      readonly role: 'viewer' | 'operator' | 'admin';
      readonly expiresAt: string | null;
    };
  };

  /** Log out. */
  readonly 'DELETE /api/session': {
    readonly answer: undefined;
  };

  /** Who asks, and in which role. */
  readonly 'GET /api/session': {
    readonly answer: {
      readonly schema: 'holdfast.session/1';
      readonly at: string;
      readonly who: string;
      readonly role: 'viewer' | 'operator' | 'admin';
      readonly expiresAt: string | null;
    };
  };
}
