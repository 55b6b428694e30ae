// Made of docs/reference/openapi.json: node test/dist/support/client-operations.js
export interface RotateOperations {
  /** Know a device by another key, for which its key vouches. */
  readonly 'POST /api/rotate': {
    readonly body: {
      readonly device: string;
      readonly publicKey: string;
      readonly next: string;
      readonly nonce: string;
      readonly signature: string;
      readonly proof: string;
    };
    readonly answer: {
      readonly schema: 'holdfast.renewed/1';
      readonly at: string;
      readonly device: string;
      readonly certificate: string;
      readonly ca: string | null;
      readonly signature: string;
    };
  };
}
