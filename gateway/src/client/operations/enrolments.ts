// Made of docs/reference/openapi.json: node test/dist/support/client-operations.js
export interface EnrolmentsOperations {
  /** Tokens that enrol devices. */
  readonly 'GET /api/enrolments': {
    readonly answer: {
      readonly schema: 'holdfast.enrolments/1';
      readonly at: string;
      readonly enrolments: readonly {
        readonly id: string;
        readonly device: string | null;
        readonly uses: number;
        readonly enrolled: readonly string[];
        readonly tags: { readonly [name: string]: string };
        readonly state: 'valid' | 'used' | 'expired' | 'revoked';
        readonly createdAt: string | null;
        readonly createdBy: string;
        readonly expiresAt: string | null;
      }[];
    };
  };

  /** Make a token that enrols devices. */
  readonly 'POST /api/enrolments': {
    readonly body: {
      readonly device: string | null;
      readonly uses?: number | undefined;
      readonly expiresInSeconds?: number | undefined;
      readonly tags: { readonly [name: string]: string };
      readonly address?: string | undefined;
    };
    readonly answer: {
      readonly schema: 'holdfast.enrolment-made/1';
      readonly at: string;
      readonly id: string;
      readonly device: string | null;
      readonly uses: number;
      readonly enrolled: readonly string[];
      readonly tags: { readonly [name: string]: string };
      readonly state: 'valid' | 'used' | 'expired' | 'revoked';
      readonly createdAt: string | null;
      readonly createdBy: string;
      readonly expiresAt: string | null;
      readonly token: string;
    };
  };

  /** Have a token, by its id, enrol nobody any more. */
  readonly 'DELETE /api/enrolments/{name}': {
    readonly params: { readonly name: string };
    readonly answer: {
      readonly schema: 'holdfast.enrolment/1';
      readonly at: string;
      readonly id: string;
      readonly device: string | null;
      readonly uses: number;
      readonly enrolled: readonly string[];
      readonly tags: { readonly [name: string]: string };
      readonly state: 'valid' | 'used' | 'expired' | 'revoked';
      readonly createdAt: string | null;
      readonly createdBy: string;
      readonly expiresAt: string | null;
    };
  };
}
