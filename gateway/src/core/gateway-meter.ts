import { counter, Histogram, single, type Metric } from '@holdfast/protocol';
import type { IngestOutcome } from './ledger.ts';
import type { PostOutcome } from './out/webhook-health.ts';

/** Seconds. A database that is well commits within the first of them. */
const COMMIT_S = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];
const HANDLER_S = [0.01, 0.05, 0.1, 0.5, 1, 5, 10, 30, 60, 300];
/** From a tenth of a second to thirty days: devices were away in between. */
const ARRIVAL_S = [0.1, 0.5, 1, 5, 30, 60, 300, 1_800, 3_600, 21_600, 86_400, 604_800, 2_592_000];

type Outcome = IngestOutcome['kind'] | 'duplicate';

/** What a gateway has done since it started, as numbers. */
export class GatewayMeter {
  #entries = 0;
  readonly #batches = new Map<Outcome, number>();
  readonly #refusals = new Map<string, number>();
  readonly #commit = new Histogram(COMMIT_S);
  readonly #arrival = new Histogram(ARRIVAL_S);
  readonly #attempts = new Map<string, Histogram>();
  readonly #posts = new Map<string, number>();

  /** The ledger has answered for a batch or a hole. */
  took(outcome: IngestOutcome, tookMs: number): void {
    this.#commit.add(tookMs / 1_000);
    const fresh = outcome.kind === 'committed' ? outcome.fresh : 0;
    this.#entries += fresh;
    const kind = outcome.kind === 'committed' && fresh === 0 ? 'duplicate' : outcome.kind;
    add(this.#batches, kind);
  }

  /** So long after it happened the last entry of a batch has become durable here. */
  arrived(afterMs: number): void {
    this.#arrival.add(Math.max(0, afterMs) / 1_000);
  }

  /** A message of a device was not taken. */
  refused(code: string): void {
    add(this.#refusals, code);
  }

  /** An endpoint was to be told of an event. */
  told(outcome: PostOutcome): void {
    add(this.#posts, wordOf(outcome));
  }

  /** An attempt at a call has ended. */
  attempted(service: string, isDone: boolean, tookMs: number): void {
    const key = JSON.stringify([service, isDone ? 'completed' : 'failed']);
    const histogram = this.#attempts.get(key) ?? new Histogram(HANDLER_S);
    this.#attempts.set(key, histogram);
    histogram.add(tookMs / 1_000);
  }

  metrics(): readonly Metric[] {
    const labelled = (name: string, counts: ReadonlyMap<string, number>) =>
      Array.from(counts, ([word, value]) => ({ labels: { [name]: word }, value }));
    return [
      counter('gateway_ingested_entries_total', 'Entries that are durable', single(this.#entries)),
      counter(
        'gateway_batches_total',
        'Batches by what became of them; duplicate: all of it was there already',
        labelled('outcome', this.#batches),
      ),
      counter(
        'gateway_refused_messages_total',
        'Messages that were not taken, by the gateway or by a device, by why',
        labelled('code', this.#refusals),
      ),
      this.#commit.metric('gateway_ledger_commit_seconds', 'Time of a commit of the ledger'),
      this.#arrival.metric(
        'gateway_arrival_delay_seconds',
        'From when the last entry of a batch was journaled to when it was durable here',
      ),
      this.#handlers(),
      counter(
        'gateway_webhook_posts_total',
        'Events that endpoints of webhooks were to be told, by what became of it',
        labelled('outcome', this.#posts),
      ),
    ];
  }

  #handlers(): Metric {
    const name = 'gateway_handler_seconds';
    const help = 'Time of attempts at calls, by service and outcome';
    const values = Array.from(this.#attempts, ([key, histogram]) => {
      const [service, outcome] = JSON.parse(key) as [string, string];
      return histogram
        .metric(name, help)
        .values.map((each) => ({ ...each, labels: { service, outcome, ...each.labels } }));
    });
    return { name, type: 'histogram', help, values: values.flat() };
  }
}

/** `barred`: its name leads where webhooks may not go; nothing was sent. */
function wordOf(outcome: PostOutcome): string {
  if (outcome.kind === 'unavailable' && outcome.isBarred === true) return 'barred';
  const isElsewhere = outcome.kind === 'refused' && outcome.status >= 300 && outcome.status < 400;
  return isElsewhere ? 'redirect' : outcome.kind;
}

function add<K>(counts: Map<K, number>, key: K): void {
  counts.set(key, (counts.get(key) ?? 0) + 1);
}
