/** A webhook as people see it: never with its secret. */
export interface WebhookView {
  readonly id: string;
  readonly url: string;
  readonly state: 'active' | 'disabled';
  /** What went wrong last; `null`: nothing since it took an event. */
  readonly why: string | null;
  readonly createdAt: string | null;
  readonly by: string;
  readonly failingSince: string | null;
  readonly deliveredAt: string | null;
  /** Empty lists: all. */
  readonly filter: WebhookFilterView;
  /** Values about somebody go out with their contents. */
  readonly personal: boolean;
  /** Events that it did not take, counted up to 1,000. */
  readonly dead: number;
}

export interface WebhookFilterView {
  readonly devices: readonly string[];
  readonly tags: Readonly<Record<string, string>>;
  readonly workflows: readonly string[];
  readonly kinds: readonly string[];
}

export interface WebhooksView {
  readonly schema: 'holdfast.webhooks/1';
  readonly at: string;
  readonly webhooks: readonly WebhookView[];
}

/** After a change of a webhook. */
export interface WebhookChangedView extends WebhookView {
  readonly schema: 'holdfast.webhook/1';
  readonly at: string;
}

export interface WebhookMadeView extends WebhookView {
  readonly schema: 'holdfast.webhook-made/1';
  readonly at: string;
  /** `whsec_…`, to verify signatures with; shown this once. */
  readonly secret: string;
}

export interface WebhookRemovedView {
  readonly schema: 'holdfast.webhook-removed/1';
  readonly at: string;
  readonly id: string;
}

export interface WebhookTestedView {
  readonly schema: 'holdfast.webhook-tested/1';
  readonly at: string;
  readonly id: string;
  readonly outcome: 'taken' | 'gone' | 'refused' | 'unavailable';
  readonly status: number | null;
  readonly why: string | null;
}

export interface DeadEventsView {
  readonly schema: 'holdfast.dead-events/1';
  readonly at: string;
  readonly id: string;
  readonly events: readonly {
    /** `device/epoch/lane/seq` */
    readonly event: string;
    readonly at: string | null;
    readonly attempts: number;
    readonly status: number | null;
    readonly why: string;
    /** It is to be sent again. */
    readonly queued: boolean;
  }[];
  /** Give it as `after` for the page behind; `null`: this was the last. */
  readonly next: string | null;
}

export interface RequeuedEventsView {
  readonly schema: 'holdfast.requeued-events/1';
  readonly at: string;
  readonly id: string;
  readonly events: number;
}

export interface WebhookOrder {
  readonly url: string;
  /** What is not said: all. */
  readonly filter: {
    readonly [K in keyof WebhookFilterView]?: WebhookFilterView[K] | undefined;
  };
  readonly personal: boolean;
  /** With all that the ledger has already. Default: only what arrives from now on. */
  readonly fromStart: boolean;
  /** `whsec_` and base64 of 24 to 64 bytes. Default: a new one. */
  readonly secret?: string | undefined;
  readonly by: string;
}

/** What the fleet offers to those who are to be told of entries. */
export interface FleetWebhooks {
  webhooks(): Promise<WebhooksView>;
  /** Durable. @throws HF_WEBHOOK_TARGET, HF_REQUEST_INVALID */
  addWebhook(order: WebhookOrder): Promise<WebhookMadeView>;
  /** Has one that is disabled told again, from where it was. @throws HF_WEBHOOK_UNKNOWN */
  enableWebhook(id: string): Promise<WebhookChangedView>;
  /** @throws HF_WEBHOOK_UNKNOWN */
  removeWebhook(id: string): Promise<WebhookRemovedView>;
  /** Sends an event that says nothing. @throws HF_WEBHOOK_UNKNOWN */
  testWebhook(id: string): Promise<WebhookTestedView>;
  /** Events that it did not take. @throws HF_WEBHOOK_UNKNOWN */
  deadEvents(query: {
    readonly id: string;
    readonly after?: string | undefined;
    readonly limit: number;
  }): Promise<DeadEventsView>;
  /** Sends one of them again, or all. @throws HF_WEBHOOK_UNKNOWN */
  requeueEvents(query: {
    readonly id: string;
    readonly event?: string | undefined;
  }): Promise<RequeuedEventsView>;
}
