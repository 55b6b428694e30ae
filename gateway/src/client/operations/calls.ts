// Made of docs/reference/openapi.json: node test/dist/support/client-operations.js
export interface CallsOperations {
  /** Calls without a result, by service, the oldest first. */
  readonly 'GET /api/calls': {
    readonly query?: {
      readonly state?: 'pending' | 'parked' | undefined;
      readonly limit?: number | undefined;
      readonly service?: string | undefined;
      readonly after?: string | undefined;
    };
    readonly answer: {
      readonly schema: 'holdfast.calls/1';
      readonly at: string;
      readonly calls: readonly {
        readonly service: string;
        readonly number: number;
        readonly state: 'pending' | 'parked';
        readonly device: string;
        readonly run: string;
        readonly key: string;
        readonly requestedAt: string | null;
        readonly expiresAt: string | null;
        readonly parked: {
          readonly at: string | null;
          readonly attempts: number;
          readonly code: string | null;
          readonly why: string;
        } | null;
      }[];
      readonly next: string | null;
    };
  };

  /** Have parked calls executed again: one, or all of a service. */
  readonly 'POST /api/calls/requeue': {
    readonly body: { readonly service: string; readonly number?: number | undefined };
    readonly answer: {
      readonly schema: 'holdfast.unparked/1';
      readonly at: string;
      readonly service: string;
      readonly calls: number;
    };
  };

  /** Have parked calls fail: one, or all of a service. */
  readonly 'POST /api/calls/fail': {
    readonly body: {
      readonly service: string;
      readonly number?: number | undefined;
      readonly reason?: string | undefined;
    };
    readonly answer: {
      readonly schema: 'holdfast.unparked/1';
      readonly at: string;
      readonly service: string;
      readonly calls: number;
    };
  };
}
