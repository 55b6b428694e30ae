// Made of docs/reference/openapi.json: node test/dist/support/client-operations.js
export interface EnrollOperations {
  /** Enrol a device, with a token and its key. */
  readonly 'POST /api/enroll': {
    readonly body: {
      readonly secret: string;
      readonly publicKey: string;
      readonly signature: string;
      readonly device?: string | undefined;
    };
    readonly answer: {
      readonly schema: 'holdfast.enrolled/1';
      readonly at: string;
      readonly device: string;
      readonly publicKey: string;
      readonly mqtt: string;
      readonly ca: string | null;
      readonly certificate: string;
    };
  };
}
