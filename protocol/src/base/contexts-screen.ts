import type { Context, ContextPart, Contexts } from './contexts.ts';
import { renderTable, type Cell, type Column, type TableOptions } from './table.ts';

interface Asked {
  readonly isJson: boolean;
  readonly screen: TableOptions;
}

/** What `context ls` of each program prints, without a final line end. `file`: where they are. */
export function contextsScreen(
  all: Contexts,
  file: string | undefined,
  { isJson, screen }: Asked,
): string {
  const contexts = all.contexts.map((each) => contextFields(each, all));
  if (isJson)
    return JSON.stringify({ schema: 'holdfast.contexts/1', file: file ?? null, contexts });
  if (contexts.length === 0) return 'No contexts. `context set NAME …` makes one.';
  return renderTable(
    columns,
    all.contexts.map((each) => contextCells(each, all)),
    screen,
  );
}

/** One of them, as it is now, for programs. */
export function contextJson(context: Context, all: Contexts): string {
  return JSON.stringify({ schema: 'holdfast.context/1', ...contextFields(context, all) });
}

function contextFields(context: Context, { current }: Contexts): object {
  return { ...context, isCurrent: context.name === current };
}

const columns: readonly Column[] = [
  { title: 'context' },
  { title: 'in use' },
  { title: 'agent', drop: 1 },
  { title: 'gateway', drop: 2 },
];

function contextCells({ name, device, gateway }: Context, { current }: Contexts): Cell[] {
  const isCurrent = name === current;
  const use: Cell = isCurrent ? { text: '✓ yes', tone: 'green', raw: 'yes' } : '-';
  return [{ text: name, tone: 'cyan' }, use, partText(device), partText(gateway)];
}

function partText(part: ContextPart | null): string {
  if (part === null) return '-';
  return Object.entries(part)
    .map(([option, value]) => `--${option} ${value}`)
    .join(' ');
}
