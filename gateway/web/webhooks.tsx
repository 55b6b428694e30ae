import { useState } from 'preact/hooks';
import { ConfirmButton } from '../../protocol/web/confirm-button.tsx';
import { ago, formatCount, short } from '../../protocol/web/format.ts';
import { ProblemNote } from '../../protocol/web/parts.tsx';
import { Table, type Column } from '../../protocol/web/table.tsx';
import type { WebhookMadeView, WebhookView } from '../src/core/out/webhook-views.ts';
import { api, useLive } from './api.ts';
import { useAction } from './use-action.ts';

/** What can be done with a webhook, by its id. */
type Deeds = Readonly<Record<'test' | 'enable' | 'requeue' | 'remove', (id: string) => void>>;

function columnsOf(deeds: Deeds): readonly Column<WebhookView>[] {
  return [
    { title: 'Endpoint', cell: ({ url }) => short(url, 60), by: ({ url }) => url },
    { title: 'State', cell: ({ state, why }) => (why === null ? state : `${state}: ${why}`) },
    { title: 'Delivered', cell: ({ deliveredAt }) => ago(deliveredAt), isNumber: true },
    { title: 'Set aside', cell: ({ dead }) => formatCount(dead), isNumber: true, isWide: true },
    { title: 'By', cell: ({ by }) => by, isWide: true },
    {
      title: 'Do',
      cell: ({ id, url, state, dead }) => (
        <>
          <Deed title="Test" of={url} act={() => deeds.test(id)} />{' '}
          {state === 'disabled' && (
            <Deed title="Enable" of={url} act={() => deeds.enable(id)} />
          )}{' '}
          {dead > 0 && <Deed title="Send again" of={url} act={() => deeds.requeue(id)} />}{' '}
          <ConfirmButton
            title="Remove"
            sure="Remove for good"
            label={`Remove ${url}`}
            act={() => deeds.remove(id)}
          />
        </>
      ),
    },
  ];
}

function Deed(props: { readonly title: string; readonly of: string; readonly act: () => void }) {
  const { title, of: url, act } = props;
  return (
    <button type="button" aria-label={`${title} ${url}`} onClick={act}>
      {title}
    </button>
  );
}

/** Endpoints that are told of what arrives. */
export function Webhooks() {
  const { data, problem, refresh } = useLive('GET /api/webhooks', [], 5_000);
  const [made, setMade] = useState<WebhookMadeView | undefined>();
  const [said, setSaid] = useState('');
  const [run, failure, isBusy] = useAction();
  const deed = (work: (id: string) => Promise<string>) => (id: string) =>
    run(async () => {
      setSaid(await work(id));
      refresh();
    });
  const deeds: Deeds = {
    test: deed(async (id) => {
      const { outcome, why } = await api.ask('POST /api/webhooks/{id}/test', { params: { id } });
      return outcome === 'taken' ? 'The endpoint took it.' : `It was ${outcome}: ${why ?? ''}.`;
    }),
    enable: deed(async (id) => {
      await api.ask('POST /api/webhooks/{id}/enable', { params: { id } });
      return 'It is told again, from where it was.';
    }),
    requeue: deed(async (id) => {
      const asked = { params: { id }, body: {} };
      const { events } = await api.ask('POST /api/webhooks/{id}/requeue', asked);
      const are = events === 1 ? 'event is' : 'events are';
      return `${formatCount(events)} ${are} sent again.`;
    }),
    remove: deed(async (id) => {
      await api.ask('DELETE /api/webhooks/{id}', { params: { id } });
      return 'It is told nothing more.';
    }),
  };
  const onMade = (view: WebhookMadeView) => {
    setMade(view);
    refresh();
  };
  return (
    <section>
      <h2>Webhooks</h2>
      <ProblemNote problem={failure ?? problem} />
      {said !== '' && (
        <p class="note" role="status">
          {said}
        </p>
      )}
      {made !== undefined && (
        <p class="note good" role="status">
          Verify its signatures with this, it is shown once: <code>{made.secret}</code>
        </p>
      )}
      <Table
        label="Webhooks"
        columns={columnsOf(deeds)}
        rows={data?.webhooks ?? []}
        keyOf={({ id }) => id}
        empty={data === undefined ? 'Asking…' : 'No webhook yet.'}
      />
      <WebhookForm {...{ run, isBusy, onMade }} />
    </section>
  );
}

interface FormProps {
  readonly run: (work: () => Promise<void>) => void;
  readonly isBusy: boolean;
  readonly onMade: (made: WebhookMadeView) => void;
}

function WebhookForm({ run, isBusy, onMade }: FormProps) {
  const submit = (event: SubmitEvent) => {
    event.preventDefault();
    const form = event.currentTarget as HTMLFormElement;
    const fields = new FormData(form);
    const words = (name: string): string[] => {
      const value = fields.get(name);
      return typeof value === 'string' ? value.split(/[\s,]+/).filter((word) => word !== '') : [];
    };
    const [url = ''] = words('url');
    const filter = { workflows: words('workflows'), kinds: words('kinds') };
    const body = { url, filter, fromStart: fields.has('fromStart') };
    run(async () => {
      onMade(await api.ask('POST /api/webhooks', { body }));
      form.reset();
    });
  };
  return (
    <form onSubmit={submit}>
      <label>
        Endpoint{' '}
        <input name="url" type="url" required autocomplete="off" placeholder="https://…" />
      </label>
      <label>
        Workflows, if not all <input name="workflows" autocomplete="off" />
      </label>
      <label>
        Kinds of entries, if not all{' '}
        <input name="kinds" autocomplete="off" placeholder="run.completed run.failed" />
      </label>
      <label class="check">
        <input type="checkbox" name="fromStart" /> with all that is in the ledger already
      </label>
      <button disabled={isBusy}>Add a webhook</button>
    </form>
  );
}
