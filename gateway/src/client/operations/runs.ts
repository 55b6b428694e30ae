// Made of docs/reference/openapi.json: node test/dist/support/client-operations.js
export interface RunsOperations {
  /** Runs as far as their entries have arrived, newest first. */
  readonly 'GET /api/runs': {
    readonly query?: {
      readonly limit?: number | undefined;
      readonly device?: string | undefined;
      readonly tag?: readonly string[] | undefined;
      readonly state?: readonly string[] | undefined;
      readonly workflow?: string | undefined;
      readonly updatedSince?: string | undefined;
      readonly updatedBefore?: string | undefined;
      readonly before?: string | undefined;
    };
    readonly answer: {
      readonly schema: 'holdfast.fleet-runs/1';
      readonly at: string;
      readonly device: string | null;
      readonly runs: readonly {
        readonly id: string;
        readonly device: string;
        readonly workflow: string;
        readonly state: string;
        readonly reason: 
          | { readonly code: string | null; readonly step: string | null }
          | null;
        readonly status: unknown;
        readonly startedAt: string | null;
        readonly updatedAt: string | null;
        readonly clock: 'ok' | 'corrected' | 'unsynced';
        readonly entries: number;
      }[];
      readonly next: string | null;
      readonly problems: readonly {
        readonly code: string;
        readonly message: string;
        readonly hint: string;
      }[];
    };
  };
}
