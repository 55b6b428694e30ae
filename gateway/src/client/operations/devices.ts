// Made of docs/reference/openapi.json: node test/dist/support/client-operations.js
export interface DevicesOperations {
  /** Devices in the order of their ids. */
  readonly 'GET /api/devices': {
    readonly query?: {
      readonly limit?: number | undefined;
      readonly tag?: readonly string[] | undefined;
      readonly state?: readonly (
        | 'new'
        | 'synced'
        | 'syncing'
        | 'offline'
        | 'stuck'
        | 'conflict'
        | 'unknown')[] | undefined;
      readonly after?: string | undefined;
      readonly search?: string | undefined;
      readonly version?: string | undefined;
      readonly peaks?: boolean | undefined;
      readonly order?: 'id' | 'attention' | undefined;
    };
    readonly answer: {
      readonly schema: 'holdfast.devices/1';
      readonly at: string;
      readonly devices: readonly {
        readonly tags: { readonly [name: string]: string };
        readonly device: string;
        readonly state: 
          | 'new'
          | 'synced'
          | 'syncing'
          | 'offline'
          | 'stuck'
          | 'conflict'
          | 'unknown';
        readonly epoch: number;
        readonly began: { readonly at: string | null; readonly cause: string | null };
        readonly firstSeenAt: string | null;
        readonly lastSeenAt: string | null;
        readonly lastAckAt: string | null;
        readonly agentVersion: string | null;
        readonly entries: number;
        readonly holes: {
          readonly count: number;
          readonly entries: number;
          readonly bytes: number;
        };
        readonly lanes: readonly {
          readonly lane: 'urgent' | 'normal' | 'bulk';
          readonly watermark: number;
          readonly head: number | null;
          readonly acked: number | null;
        }[];
        readonly backlog: {
          readonly pending: number;
          readonly bytes: number;
          readonly oldestAt: string | null;
          readonly reportedAt: string;
        } | null;
        readonly clockAheadMs: number | null;
        readonly runs: { readonly [name: string]: number } | null;
        readonly refusals: number;
        readonly refusal: { readonly code: string; readonly why: string } | null;
        readonly lastCommand: number;
        readonly commandsWaiting: number;
        readonly peaks: readonly (number | null)[] | null;
      }[];
      readonly next: string | null;
      readonly problems: readonly {
        readonly code: string;
        readonly message: string;
        readonly hint: string;
      }[];
      readonly summary: {
        readonly devices: number;
        readonly pending: number;
        readonly states: { readonly [name: string]: number };
        readonly versions: { readonly [name: string]: number };
      };
    };
  };

  /** One device, with every life of its journal and every key. */
  readonly 'GET /api/devices/{id}': {
    readonly params: { readonly id: string };
    readonly answer: {
      readonly schema: 'holdfast.device/1';
      readonly at: string;
      readonly tags: { readonly [name: string]: string };
      readonly device: string;
      readonly state: 
        | 'new'
        | 'synced'
        | 'syncing'
        | 'offline'
        | 'stuck'
        | 'conflict'
        | 'unknown';
      readonly epoch: number;
      readonly began: { readonly at: string | null; readonly cause: string | null };
      readonly firstSeenAt: string | null;
      readonly lastSeenAt: string | null;
      readonly lastAckAt: string | null;
      readonly agentVersion: string | null;
      readonly entries: number;
      readonly holes: {
        readonly count: number;
        readonly entries: number;
        readonly bytes: number;
      };
      readonly lanes: readonly {
        readonly lane: 'urgent' | 'normal' | 'bulk';
        readonly watermark: number;
        readonly head: number | null;
        readonly acked: number | null;
      }[];
      readonly backlog: {
        readonly pending: number;
        readonly bytes: number;
        readonly oldestAt: string | null;
        readonly reportedAt: string;
      } | null;
      readonly clockAheadMs: number | null;
      readonly runs: { readonly [name: string]: number } | null;
      readonly refusals: number;
      readonly refusal: { readonly code: string; readonly why: string } | null;
      readonly lastCommand: number;
      readonly commandsWaiting: number;
      readonly peaks: readonly (number | null)[] | null;
      readonly epochs: readonly {
        readonly epoch: number;
        readonly beganAt: string | null;
        readonly machine: string | null;
        readonly cause: string | null;
        readonly oldEpoch: number | null;
        readonly why: string;
        readonly lanes: readonly {
          readonly lane: 'urgent' | 'normal' | 'bulk';
          readonly watermark: number;
        }[];
      }[];
      readonly keys: readonly {
        readonly key: string;
        readonly since: string | null;
        readonly acceptedAt: string | null;
        readonly revokedAt: string | null;
        readonly certificateTo: string | null;
      }[];
    };
  };

  /** Runs of a device, newest first. */
  readonly 'GET /api/devices/{id}/runs': {
    readonly params: { readonly id: string };
    readonly query?: {
      readonly limit?: number | undefined;
      readonly run?: string | undefined;
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

  /** Entries of a device in the order of their seq, lane by lane. */
  readonly 'GET /api/devices/{id}/entries': {
    readonly params: { readonly id: string };
    readonly query?: {
      readonly limit?: number | undefined;
      readonly epoch?: number | undefined;
      readonly lane?: 'urgent' | 'normal' | 'bulk' | undefined;
      readonly after?: number | undefined;
    };
    readonly answer: {
      readonly schema: 'holdfast.entries/1';
      readonly at: string;
      readonly device: string;
      readonly epoch: number;
      readonly entries: readonly {
        readonly lane: 'urgent' | 'normal' | 'bulk';
        readonly epoch: number;
        readonly seq: number;
        readonly receivedAt: string | null;
        readonly bytes: number;
        readonly kind: string | null;
        readonly [name: string]: unknown;
      }[];
      readonly holes: readonly {
        readonly lane: 'urgent' | 'normal' | 'bulk';
        readonly epoch: number;
        readonly seqFirst: number;
        readonly seqLast: number;
        readonly reason: 
          | 'shed'
          | 'damaged'
          | 'trimmed'
          | 'oversize'
          | 'refused'
          | 'retention';
        readonly bytes: number;
        readonly firstAt: string | null;
        readonly lastAt: string | null;
        readonly receivedAt: string | null;
      }[];
      readonly next: readonly {
        readonly lane: 'urgent' | 'normal' | 'bulk';
        readonly after: number;
      }[];
    };
  };

  /** What came under a key that counted no more; applied to nothing. */
  readonly 'GET /api/devices/{id}/quarantine': {
    readonly params: { readonly id: string };
    readonly query?: { readonly limit?: number | undefined };
    readonly answer: {
      readonly schema: 'holdfast.quarantine/1';
      readonly at: string;
      readonly device: string;
      readonly kept: number;
      readonly bytes: number;
      readonly dropped: number;
      readonly entries: readonly {
        readonly lane: 'urgent' | 'normal' | 'bulk';
        readonly epoch: number;
        readonly seq: number;
        readonly receivedAt: string | null;
        readonly bytes: number;
        readonly kind: string | null;
        readonly [name: string]: unknown;
      }[];
    };
  };

  /** The value of one entry, also where it is too large for the entry. */
  readonly 'GET /api/devices/{id}/value': {
    readonly params: { readonly id: string };
    readonly query: {
      readonly lane: 'urgent' | 'normal' | 'bulk';
      readonly seq: number;
      readonly epoch?: number | undefined;
    };
    readonly answer: {
      readonly schema: 'holdfast.value/1';
      readonly at: string;
      readonly device: string;
      readonly epoch: number;
      readonly lane: 'urgent' | 'normal' | 'bulk';
      readonly seq: number;
      readonly kind: string;
      readonly bytes: number;
      readonly value: unknown;
    };
  };

  /** Know a device by another key from its next hello on. */
  readonly 'POST /api/devices/{id}/key': {
    readonly params: { readonly id: string };
    readonly body: { readonly key: string };
    readonly answer: {
      readonly schema: 'holdfast.rekeyed/1';
      readonly at: string;
      readonly device: string;
      readonly key: string;
    };
  };

  /** Take nothing from a device any more, and end its connection. */
  readonly 'POST /api/devices/{id}/revoke': {
    readonly params: { readonly id: string };
    readonly answer: {
      readonly schema: 'holdfast.revoked/1';
      readonly at: string;
      readonly device: string;
    };
  };

  /** How far behind a device was over a day, as it reported. */
  readonly 'GET /api/devices/{id}/backlog': {
    readonly params: { readonly id: string };
    readonly answer: {
      readonly schema: 'holdfast.device-backlog/1';
      readonly device: string;
      readonly at: string;
      readonly since: string | null;
      readonly points: readonly {
        readonly at: string;
        readonly pending: number;
        readonly arrived: number;
        readonly heard: boolean;
      }[];
      readonly outages: readonly { readonly from: string; readonly to: string | null }[];
    };
  };

  /** Give a device these tags in the place of those it had. */
  readonly 'POST /api/devices/{id}/tags': {
    readonly params: { readonly id: string };
    readonly body: { readonly tags: { readonly [name: string]: string } };
    readonly answer: {
      readonly schema: 'holdfast.tagged/1';
      readonly at: string;
      readonly device: string;
      readonly tags: { readonly [name: string]: string };
    };
  };

  /** What a device was told to do, newest first. */
  readonly 'GET /api/devices/{id}/commands': {
    readonly params: { readonly id: string };
    readonly query?: { readonly limit?: number | undefined };
    readonly answer: {
      readonly schema: 'holdfast.device-commands/1';
      readonly at: string;
      readonly device: string;
      readonly commands: readonly {
        readonly number: number;
        readonly id: string;
        readonly kind: string;
        readonly run: string | null;
        readonly name: string | null;
        readonly payload: unknown;
        readonly issuedAt: string | null;
        readonly by: string;
        readonly expiresAt: string | null;
        readonly outcome: 'waiting' | 'applied' | 'expired' | 'rejected';
        readonly reason: string;
        readonly settledAt: string | null;
      }[];
    };
  };
}
