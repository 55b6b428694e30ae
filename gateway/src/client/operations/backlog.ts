// Made of docs/reference/openapi.json: node test/dist/support/client-operations.js
export interface BacklogOperations {
  /** How far behind the fleet was over a day, and who catches up. */
  readonly 'GET /api/backlog': {
    readonly answer: {
      readonly schema: 'holdfast.fleet-backlog/1';
      readonly at: string;
      readonly since: string | null;
      readonly points: readonly {
        readonly at: string;
        readonly pending: number;
        readonly arrived: number;
        readonly heard: boolean;
      }[];
      readonly arrivingPerSecond: number;
      readonly catchUpP95Ms: number | null;
      readonly catchingUp: {
        readonly devices: number;
        readonly first: readonly {
          readonly device: string;
          readonly pending: number;
          readonly peak: number;
          readonly since: string;
          readonly leftMs: number | null;
        }[];
      };
    };
  };
}
