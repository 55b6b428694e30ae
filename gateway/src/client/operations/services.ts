// Made of docs/reference/openapi.json: node test/dist/support/client-operations.js
export interface ServicesOperations {
  /** Services that have a handler here, and those whose calls wait. */
  readonly 'GET /api/services': {
    readonly answer: {
      readonly schema: 'holdfast.services/1';
      readonly at: string;
      readonly services: readonly {
        readonly service: string;
        readonly pending: number;
        readonly parked: number;
        readonly here: {
          readonly held: number;
          readonly running: number;
          readonly waiting: number;
          readonly breaker: 'closed' | 'open' | 'half-open';
          readonly pausedMs: number;
        } | null;
      }[];
    };
  };
}
