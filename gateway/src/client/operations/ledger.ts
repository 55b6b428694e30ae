// Made of docs/reference/openapi.json: node test/dist/support/client-operations.js
export interface LedgerOperations {
  /** Read every entry and check every hash chain. */
  readonly 'POST /api/ledger/verify': {
    readonly answer: {
      readonly schema: 'holdfast.verify/1';
      readonly at: string;
      readonly whole: boolean;
      readonly entries: number;
      readonly lanes: number;
      readonly holes: { readonly count: number; readonly entries: number };
      readonly pruned: number;
      readonly contents: {
        readonly held: number;
        readonly absent: number;
        readonly erased: number;
      };
      readonly faults: readonly {
        readonly device: string;
        readonly epoch: number;
        readonly lane: 'urgent' | 'normal' | 'bulk';
        readonly seq: number;
        readonly why: string;
      }[];
    };
  };

  /** Delete what is held on a subject. */
  readonly 'POST /api/ledger/erase': {
    readonly body: {
      readonly subject: string;
      readonly by: string;
      readonly reason?: string | undefined;
    };
    readonly answer: {
      readonly schema: 'holdfast.erasure/1';
      readonly at: string | null;
      readonly by: string;
      readonly reason: string;
      readonly contents: number;
      readonly bytes: number;
      readonly commands: number;
      readonly complete: boolean;
      readonly ranges: readonly {
        readonly device: string;
        readonly epoch: number;
        readonly lane: 'urgent' | 'normal' | 'bulk';
        readonly first: number;
        readonly last: number;
      }[];
    };
  };

  /** What is held on a subject. */
  readonly 'POST /api/ledger/held': {
    readonly body: {
      readonly subject: string;
      readonly limit?: number | undefined;
      readonly after?: string | undefined;
    };
    readonly answer: {
      readonly schema: 'holdfast.held/1';
      readonly at: string;
      readonly entries: readonly {
        readonly device: string;
        readonly lane: 'urgent' | 'normal' | 'bulk';
        readonly epoch: number;
        readonly seq: number;
        readonly receivedAt: string | null;
        readonly bytes: number;
        readonly kind: string | null;
        readonly [name: string]: unknown;
      }[];
      readonly commands: readonly {
        readonly device: string;
        readonly number: number;
        readonly kind: string;
        readonly run: string;
        readonly payload: unknown;
      }[];
      readonly next: string | null;
    };
  };

  /** Receipts of what was kept for long enough, newest first. */
  readonly 'GET /api/ledger/prunings': {
    readonly query?: { readonly limit?: number | undefined };
    readonly answer: {
      readonly schema: 'holdfast.prunings/1';
      readonly at: string;
      readonly prunings: readonly {
        readonly at: string | null;
        readonly entries: number;
        readonly bytes: number;
        readonly runs: number;
        readonly commands: number;
      }[];
    };
  };

  /** Receipts of erasures, newest first. */
  readonly 'GET /api/ledger/erasures': {
    readonly query?: { readonly limit?: number | undefined };
    readonly answer: {
      readonly schema: 'holdfast.erasures/1';
      readonly at: string;
      readonly erasures: readonly {
        readonly schema: 'holdfast.erasure/1';
        readonly at: string | null;
        readonly by: string;
        readonly reason: string;
        readonly contents: number;
        readonly bytes: number;
        readonly commands: number;
        readonly complete: boolean;
        readonly ranges: readonly {
          readonly device: string;
          readonly epoch: number;
          readonly lane: 'urgent' | 'normal' | 'bulk';
          readonly first: number;
          readonly last: number;
        }[];
      }[];
    };
  };
}
