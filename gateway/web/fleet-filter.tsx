import type { FleetSummary } from '../src/core/device-views.ts';

export const orders = [
  ['attention', 'who needs somebody first'],
  ['id', 'by name'],
] as const;
export type Order = (typeof orders)[number][0];

/** What somebody has typed and chosen. */
export interface Filter {
  readonly text: string;
  readonly tags: string;
  /** Empty: any. */
  readonly version: string;
  readonly order: Order;
}

interface FormProps {
  readonly filter: Filter;
  readonly change: (changed: Partial<Filter>) => void;
  /** The tags are not written as they must be. */
  readonly isWrong: boolean;
  readonly versions: FleetSummary['versions'];
}

export function FilterForm({ filter, change, isWrong, versions }: FormProps) {
  return (
    <form role="search" onSubmit={(event) => event.preventDefault()}>
      <label>
        Find a device{' '}
        <input
          type="search"
          maxLength={64}
          value={filter.text}
          onInput={({ currentTarget }) => change({ text: currentTarget.value })}
        />
      </label>
      <label>
        With tags{' '}
        <input
          autocomplete="off"
          placeholder="site=oslo line=2"
          aria-invalid={isWrong}
          value={filter.tags}
          onInput={({ currentTarget }) => change({ tags: currentTarget.value })}
        />
      </label>
      <VersionChoice {...{ filter, change, versions }} />
      <label>
        Order{' '}
        <select
          value={filter.order}
          onChange={({ currentTarget: { value } }) =>
            change({ order: orders.find(([each]) => each === value)?.[0] ?? 'attention' })
          }
        >
          {orders.map(([value, title]) => (
            <option key={value} value={value}>
              {title}
            </option>
          ))}
        </select>
      </label>
      {isWrong && (
        <p class="note watch" role="status">
          Tags are written as site=oslo line=2.
        </p>
      )}
    </form>
  );
}

function VersionChoice({ filter, change, versions }: Omit<FormProps, 'isWrong'>) {
  const { version } = filter;
  // What was chosen stays one to choose when no device has it any more.
  const known = Object.entries(versions);
  const all = version === '' || version in versions ? known : [...known, [version, 0] as const];
  return (
    <label>
      Of version{' '}
      <select
        value={version}
        onChange={({ currentTarget }) => change({ version: currentTarget.value })}
      >
        <option value="">any</option>
        {all.map(([each, count]) => (
          <option key={each} value={each}>
            {each} ({count})
          </option>
        ))}
      </select>
    </label>
  );
}
