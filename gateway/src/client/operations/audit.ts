// Made of docs/reference/openapi.json: node test/dist/support/client-operations.js
export interface AuditOperations {
  /** Who asked for which change and what came of it, newest first. */
  readonly 'GET /api/audit': {
    readonly query?: {
      readonly limit?: number | undefined;
      readonly before?: string | undefined;
    };
    readonly answer: {
      readonly schema: 'holdfast.audit/1';
      readonly at: string;
      readonly records: readonly {
        readonly id: string;
        readonly at: string | null;
        readonly who: string;
        readonly from: string;
        readonly action: string;
        readonly target: string;
        readonly outcome: 'begun' | 'done' | 'denied' | 'failed';
        readonly code: string | null;
        readonly endedAt: string | null;
      }[];
      readonly next: string | null;
    };
  };
}
