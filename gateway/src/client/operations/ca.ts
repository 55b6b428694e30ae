// Made of docs/reference/openapi.json: node test/dist/support/client-operations.js
export interface CaOperations {
  /** Certificates of the authority of this gateway. */
  readonly 'GET /api/ca': {
    readonly answer: {
      readonly schema: 'holdfast.ca/1';
      readonly at: string;
      readonly name: string;
      readonly fingerprint: string;
      readonly expiresAt: string | null;
      readonly certificates: string;
    };
  };

  /** Which certificates are revoked, as a list for brokers. */
  readonly 'GET /api/ca/revocations': {
    readonly answer: {
      readonly schema: 'holdfast.revocations/1';
      readonly at: string;
      readonly count: number;
      readonly crl: string;
    };
  };

  /** Have another key issue certificates from now on. */
  readonly 'POST /api/ca/rotate': {
    readonly body: { readonly distrust: boolean };
    readonly answer: {
      readonly schema: 'holdfast.ca/1';
      readonly at: string;
      readonly name: string;
      readonly fingerprint: string;
      readonly expiresAt: string | null;
      readonly certificates: string;
    };
  };

  /** Issue a certificate for a broker, or for a gateway at one. */
  readonly 'POST /api/ca/certificates': {
    readonly body: {
      readonly name: string;
      readonly publicKey: string;
      readonly hosts: readonly string[];
      readonly expiresInSeconds: number;
    };
    readonly answer: {
      readonly schema: 'holdfast.certificate/1';
      readonly at: string;
      readonly name: string;
      readonly expiresAt: string | null;
      readonly certificate: string;
      readonly ca: string;
    };
  };
}
