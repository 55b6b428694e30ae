// Made of docs/reference/openapi.json: node test/dist/support/client-operations.js
export interface RenewOperations {
  /** Renew the certificate of a device, by its key. */
  readonly 'POST /api/renew': {
    readonly body: {
      readonly device: string;
      readonly publicKey: string;
      readonly nonce: string;
      readonly signature: string;
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
