// Made of docs/reference/openapi.json: node test/dist/support/client-operations.js
export interface PairOperations {
  /** Ask that a device be let in. */
  readonly 'POST /api/pair': {
    readonly body: {
      readonly device: string;
      readonly publicKey: string;
      readonly commitment: string;
      readonly signature: string;
    };
    readonly answer: {
      readonly schema: 'holdfast.pairing-begun/1';
      readonly at: string;
      readonly id: string;
      readonly publicKey: string;
      readonly certificate: string;
      readonly nonce: string;
    };
  };

  /** Tell what the device is bound to, and get a code. */
  readonly 'POST /api/pair/reveal': {
    readonly body: { readonly id: string; readonly nonce: string };
    readonly answer: {
      readonly schema: 'holdfast.pairing-shown/1';
      readonly at: string;
      readonly code: string;
      readonly expiresAt: string | null;
    };
  };

  /** Whether somebody has decided. */
  readonly 'POST /api/pair/outcome': {
    readonly body: { readonly id: string };
    readonly answer: {
      readonly schema: 'holdfast.pairing-outcome/1';
      readonly at: string;
      readonly enrolled: {
        readonly schema: 'holdfast.enrolled/1';
        readonly at: string;
        readonly device: string;
        readonly publicKey: string;
        readonly mqtt: string;
        readonly ca: string | null;
        readonly certificate: string;
      } | null;
    };
  };
}
