// Made of docs/reference/openapi.json: node test/dist/support/client-operations.js
export interface PairingsOperations {
  /** Devices that wait to be let in. */
  readonly 'GET /api/pairings': {
    readonly answer: {
      readonly schema: 'holdfast.pairings/1';
      readonly at: string;
      readonly pairings: readonly {
        readonly code: string;
        readonly device: string;
        readonly key: string;
        readonly from: string;
        readonly replaces: boolean;
        readonly expiresAt: string | null;
      }[];
    };
  };

  /** Let in the device that shows this code, and these words. */
  readonly 'POST /api/pairings/{name}': {
    readonly params: { readonly name: string };
    readonly body: {
      readonly words: string;
      readonly replaces: boolean;
      readonly tags: { readonly [name: string]: string };
    };
    readonly answer: {
      readonly schema: 'holdfast.pairing-decided/1';
      readonly at: string;
      readonly code: string;
      readonly device: string;
      readonly approved: boolean;
    };
  };

  /** Do not let in the device that shows this code. */
  readonly 'DELETE /api/pairings/{name}': {
    readonly params: { readonly name: string };
    readonly answer: {
      readonly schema: 'holdfast.pairing-decided/1';
      readonly at: string;
      readonly code: string;
      readonly device: string;
      readonly approved: boolean;
    };
  };
}
