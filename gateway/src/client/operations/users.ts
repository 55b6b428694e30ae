// Made of docs/reference/openapi.json: node test/dist/support/client-operations.js
export interface UsersOperations {
  /** People who may log in. */
  readonly 'GET /api/users': {
    readonly answer: {
      readonly schema: 'holdfast.users/1';
      readonly at: string;
      readonly users: readonly {
        readonly name: string;
        readonly role: 'viewer' | 'operator' | 'admin';
        readonly createdAt: string | null;
        readonly createdBy: string;
        readonly changedAt: string | null;
      }[];
    };
  };

  /** Add a person who may log in. */
  readonly 'POST /api/users': {
    readonly body: {
      readonly name: string;
      readonly role: 'viewer' | 'operator' | 'admin';
      readonly password: string;
    };
    readonly answer: {
      readonly schema: 'holdfast.user/1';
      readonly at: string;
      readonly name: string;
      readonly role: 'viewer' | 'operator' | 'admin';
      readonly createdAt: string | null;
      readonly createdBy: string;
      readonly changedAt: string | null;
    };
  };

  /** Change the role or the password of a person. */
  readonly 'PATCH /api/users/{name}': {
    readonly params: { readonly name: string };
    readonly body: {
      readonly role?: 'viewer' | 'operator' | 'admin' | undefined;
      readonly password?: string | undefined;
    };
    readonly answer: {
      readonly schema: 'holdfast.user/1';
      readonly at: string;
      readonly name: string;
      readonly role: 'viewer' | 'operator' | 'admin';
      readonly createdAt: string | null;
      readonly createdBy: string;
      readonly changedAt: string | null;
    };
  };

  /** Remove a person, and end the sessions of that one. */
  readonly 'DELETE /api/users/{name}': {
    readonly params: { readonly name: string };
    readonly answer: {
      readonly schema: 'holdfast.user-removed/1';
      readonly at: string;
      readonly name: string;
    };
  };
}
