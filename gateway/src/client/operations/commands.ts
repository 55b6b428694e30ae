// Made of docs/reference/openapi.json: node test/dist/support/client-operations.js
export interface CommandsOperations {
  /** Issue a command, to a device, by tags, or to all. */
  readonly 'POST /api/commands': {
    readonly body: {
      readonly kind: 
        | 'run.start'
        | 'run.signal'
        | 'run.cancel'
        | 'run.pause'
        | 'run.resume'
        | 'run.retry'
        | 'run.fork'
        | 'step.skip'
        | 'step.complete'
        | 'step.fail'
        | 'config.set'
        | 'key.rotate';
      readonly to: {
        readonly device?: string | undefined;
        readonly tags?: { readonly [name: string]: string } | undefined;
        readonly all?: boolean | undefined;
      };
      readonly expiresAt: string | null;
      readonly id?: string | undefined;
      readonly run?: string | undefined;
      readonly name?: string | undefined;
      readonly by?: string | undefined;
      readonly payload?: unknown;
    };
    readonly answer: {
      readonly schema: 'holdfast.command/1';
      readonly at: string;
      readonly id: string;
      readonly kind: string;
      readonly to: string;
      readonly run: string | null;
      readonly name: string | null;
      readonly payload: unknown;
      readonly issuedAt: string | null;
      readonly by: string;
      readonly expiresAt: string | null;
      readonly complete: boolean;
      readonly offlineSince: string | null;
      readonly devices: {
        readonly issued: number;
        readonly waiting: number;
        readonly applied: number;
        readonly expired: number;
        readonly rejected: number;
      };
    };
  };

  /** Commands and how far they are, newest first. */
  readonly 'GET /api/commands': {
    readonly query?: {
      readonly limit?: number | undefined;
      readonly before?: number | undefined;
    };
    readonly answer: {
      readonly schema: 'holdfast.commands/1';
      readonly at: string;
      readonly commands: readonly {
        readonly id: string;
        readonly kind: string;
        readonly to: string;
        readonly run: string | null;
        readonly name: string | null;
        readonly payload: unknown;
        readonly issuedAt: string | null;
        readonly by: string;
        readonly expiresAt: string | null;
        readonly complete: boolean;
        readonly offlineSince: string | null;
        readonly devices: {
          readonly issued: number;
          readonly waiting: number;
          readonly applied: number;
          readonly expired: number;
          readonly rejected: number;
        };
      }[];
      readonly next: number | null;
    };
  };

  /** One command and how far it is. */
  readonly 'GET /api/commands/{id}': {
    readonly params: { readonly id: string };
    readonly answer: {
      readonly schema: 'holdfast.command/1';
      readonly at: string;
      readonly id: string;
      readonly kind: string;
      readonly to: string;
      readonly run: string | null;
      readonly name: string | null;
      readonly payload: unknown;
      readonly issuedAt: string | null;
      readonly by: string;
      readonly expiresAt: string | null;
      readonly complete: boolean;
      readonly offlineSince: string | null;
      readonly devices: {
        readonly issued: number;
        readonly waiting: number;
        readonly applied: number;
        readonly expired: number;
        readonly rejected: number;
      };
    };
  };

  /** What became of a command on each device. */
  readonly 'GET /api/commands/{id}/devices': {
    readonly params: { readonly id: string };
    readonly query?: {
      readonly limit?: number | undefined;
      readonly after?: string | undefined;
      readonly outcome?: 'waiting' | 'applied' | 'expired' | 'rejected' | undefined;
    };
    readonly answer: {
      readonly schema: 'holdfast.command-devices/1';
      readonly at: string;
      readonly id: string;
      readonly devices: readonly {
        readonly device: string;
        readonly number: number;
        readonly outcome: 'waiting' | 'applied' | 'expired' | 'rejected';
        readonly reason: string;
        readonly settledAt: string | null;
        readonly offlineSince: string | null;
      }[];
      readonly next: string | null;
    };
  };
}
