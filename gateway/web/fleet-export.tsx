import { useState } from 'preact/hooks';
import { formatCount } from '../../protocol/web/format.ts';
import { Menu } from '../../protocol/web/menu.tsx';
import { ProblemNote } from '../../protocol/web/parts.tsx';
import type { DevicesQuery, DeviceView } from '../src/core/device-views.ts';
import type { AnswerOf } from '../src/client/client.ts';
import { api } from './api.ts';
import { csvOf } from './fleet-csv.ts';
import { useAction } from './use-action.ts';

const PAGE = 1_000;

/** What narrows the devices that are shown, as the API asks it. */
export interface FleetFilter extends Pick<DevicesQuery, 'search' | 'version'> {
  readonly tag: readonly string[];
  readonly state: readonly DeviceView['state'][];
}

const formats = {
  CSV: { type: 'text/csv', textOf: csvOf },
  JSON: {
    type: 'application/json',
    textOf: (devices: readonly DeviceView[]) => JSON.stringify(devices, undefined, 2),
  },
} as const;
type Format = keyof typeof formats;

type DevicesPage = AnswerOf<'GET /api/devices'>;

/** All devices that fit, in the order of their ids, whatever page is looked at. */
async function readAll(
  filter: FleetFilter,
  told: (count: number) => void,
): Promise<readonly DeviceView[]> {
  const devices: DeviceView[] = [];
  let after: string | undefined;
  do {
    // Each page begins where the one before it has ended.
    const page: DevicesPage = await api.ask('GET /api/devices', {
      query: { ...filter, limit: PAGE, after },
    });
    devices.push(...page.devices);
    told(devices.length);
    after = page.next ?? undefined;
  } while (after !== undefined);
  return devices;
}

/** Takes along what the filter has found. */
export function FleetExport({ filter }: { readonly filter: FleetFilter }) {
  const [run, problem, isBusy] = useAction();
  const [count, setCount] = useState(0);
  const save = (format: Format) => () =>
    run(async () => {
      setCount(0);
      const { type, textOf } = formats[format];
      saveFile(`devices.${format.toLowerCase()}`, type, textOf(await readAll(filter, setCount)));
    });
  return (
    <>
      <Menu title="Export">
        {(Object.keys(formats) as Format[]).map((format) => (
          <button key={format} type="button" disabled={isBusy} onClick={save(format)}>
            All of these as {format}
          </button>
        ))}
      </Menu>
      {count > 0 && (
        <span role="status" class="empty">
          {formatCount(count)} {count === 1 ? 'device' : 'devices'} {isBusy ? '…' : 'saved'}
        </span>
      )}
      <ProblemNote problem={problem} />
    </>
  );
}

function saveFile(name: string, type: string, text: string): void {
  const url = URL.createObjectURL(new Blob([text], { type }));
  Object.assign(document.createElement('a'), { href: url, download: name }).click();
  // The browser has begun to read it by then.
  setTimeout(() => URL.revokeObjectURL(url), 60_000);
}
