// Made of docs/reference/openapi.json: node test/dist/support/client-operations.js
export interface WebhooksOperations {
  /** Webhooks, and how they are. */
  readonly 'GET /api/webhooks': {
    readonly answer: {
      readonly schema: 'holdfast.webhooks/1';
      readonly at: string;
      readonly webhooks: readonly {
        readonly id: string;
        readonly url: string;
        readonly state: 'active' | 'disabled';
        readonly by: string;
        readonly why: string | null;
        readonly createdAt: string | null;
        readonly failingSince: string | null;
        readonly deliveredAt: string | null;
        readonly filter: {
          readonly devices: readonly string[];
          readonly tags: { readonly [name: string]: string };
          readonly workflows: readonly string[];
          readonly kinds: readonly string[];
        };
        readonly personal: boolean;
        readonly dead: number;
      }[];
    };
  };

  /** Tell an endpoint of entries by CloudEvents. */
  readonly 'POST /api/webhooks': {
    readonly body: {
      readonly url: string;
      readonly filter?: {
        readonly devices?: readonly string[] | undefined;
        readonly tags?: { readonly [name: string]: string } | undefined;
        readonly workflows?: readonly string[] | undefined;
        readonly kinds?: readonly string[] | undefined;
      } | undefined;
      readonly personal?: boolean | undefined;
      readonly fromStart?: boolean | undefined;
      readonly secret?: string | undefined;
    };
    readonly answer: {
      readonly schema: 'holdfast.webhook-made/1';
      readonly at: string;
      readonly id: string;
      readonly url: string;
      readonly state: 'active' | 'disabled';
      readonly by: string;
      readonly why: string | null;
      readonly createdAt: string | null;
      readonly failingSince: string | null;
      readonly deliveredAt: string | null;
      readonly filter: {
        readonly devices: readonly string[];
        readonly tags: { readonly [name: string]: string };
        readonly workflows: readonly string[];
        readonly kinds: readonly string[];
      };
      readonly personal: boolean;
      readonly dead: number;
      readonly secret: string;
    };
  };

  /** Tell it nothing more. */
  readonly 'DELETE /api/webhooks/{id}': {
    readonly params: { readonly id: string };
    readonly answer: {
      readonly schema: 'holdfast.webhook-removed/1';
      readonly at: string;
      readonly id: string;
    };
  };

  /** Tell it again, from where it was. */
  readonly 'POST /api/webhooks/{id}/enable': {
    readonly params: { readonly id: string };
    readonly answer: {
      readonly schema: 'holdfast.webhook/1';
      readonly at: string;
      readonly id: string;
      readonly url: string;
      readonly state: 'active' | 'disabled';
      readonly by: string;
      readonly why: string | null;
      readonly createdAt: string | null;
      readonly failingSince: string | null;
      readonly deliveredAt: string | null;
      readonly filter: {
        readonly devices: readonly string[];
        readonly tags: { readonly [name: string]: string };
        readonly workflows: readonly string[];
        readonly kinds: readonly string[];
      };
      readonly personal: boolean;
      readonly dead: number;
    };
  };

  /** Send it an event that says nothing. */
  readonly 'POST /api/webhooks/{id}/test': {
    readonly params: { readonly id: string };
    readonly answer: {
      readonly schema: 'holdfast.webhook-tested/1';
      readonly at: string;
      readonly id: string;
      readonly outcome: 'taken' | 'gone' | 'refused' | 'unavailable';
      readonly status: number | null;
      readonly why: string | null;
    };
  };

  /** Events that it did not take. */
  readonly 'GET /api/webhooks/{id}/dead': {
    readonly params: { readonly id: string };
    readonly query?: {
      readonly limit?: number | undefined;
      readonly after?: string | undefined;
    };
    readonly answer: {
      readonly schema: 'holdfast.dead-events/1';
      readonly at: string;
      readonly id: string;
      readonly events: readonly {
        readonly event: string;
        readonly at: string | null;
        readonly attempts: number;
        readonly status: number | null;
        readonly why: string;
        readonly queued: boolean;
      }[];
      readonly next: string | null;
    };
  };

  /** Send it again what it did not take: one event, or all. */
  readonly 'POST /api/webhooks/{id}/requeue': {
    readonly params: { readonly id: string };
    readonly body: { readonly event?: string | undefined };
    readonly answer: {
      readonly schema: 'holdfast.requeued-events/1';
      readonly at: string;
      readonly id: string;
      readonly events: number;
    };
  };
}
