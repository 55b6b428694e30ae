import { formatDurationExact } from './exact-duration.ts';
import { calm } from './calm.ts';
import { factsOf } from './fault-kinds.ts';
import { scenarioFields, type Field } from './scenario-fields.ts';
import type { Fault, Scenario } from './scenario.ts';

/** A scenario as its file would have it; reading it gives the same again. */
export function scenarioText(scenario: Scenario): string {
  const { starts, faults } = scenario;
  const tables = Object.entries(scenarioFields).map(([name, fields]) => {
    const lines = Object.entries(fields).flatMap(([key, field]) => {
      const value = memberOf(scenario, field);
      return value === memberOf(calm, field) && name !== ''
        ? []
        : [`${key} = ${said(field, value)}`];
    });
    return name === '' ? lines : lines.length === 0 ? [] : ['', `[${name}]`, ...lines];
  });
  const started = starts.map(({ workflow, everyMs, input }) => [
    ...['', '[[start]]', `workflow = ${JSON.stringify(workflow)}`],
    `every = "${formatDurationExact(everyMs)}"`,
    ...(input === null ? [] : [`input = ${tomlValue(input)}`]),
  ]);
  return [...tables, ...started, ...faults.map(faultLines)].flat().join('\n') + '\n';
}

function memberOf(scenario: Scenario, { member }: Field): string | number {
  const { weather, ...own } = scenario;
  // The table of fields names members that are text and numbers only.
  return ({ ...own, ...weather } as unknown as Record<string, string | number>)[member] ?? 0;
}

function said({ type }: Pick<Field, 'type'>, value: string | number): string {
  if (type === 'duration') return `"${formatDurationExact(Number(value))}"`;
  return typeof value === 'string' ? JSON.stringify(value) : String(value);
}

function faultLines({ kind, everyMs, atMs, forMs, devices, params }: Fault): string[] {
  const known: Readonly<Record<string, Pick<Field, 'type'>>> = factsOf(kind).params;
  const moments = atMs.map((ms) => `"${formatDurationExact(ms)}"`);
  return [
    ...['', '[[fault]]', `kind = "${kind}"`],
    everyMs > 0 ? `every = "${formatDurationExact(everyMs)}"` : `at = [${moments.join(', ')}]`,
    `for = "${formatDurationExact(forMs)}"`,
    ...(devices === undefined ? [] : [`devices = ${devices}`]),
    ...Object.entries(params).map(
      ([key, value]) => `${key} = ${said(known[key] ?? { type: 'number' }, value)}`,
    ),
  ];
}

/** TOML for what JSON can say, `null` apart, which it cannot. */
function tomlValue(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(tomlValue).join(', ')}]`;
  if (typeof value !== 'object' || value === null) return JSON.stringify(value);
  const pairs = Object.entries(value).map(([key, each]) => {
    return `${JSON.stringify(key)} = ${tomlValue(each)}`;
  });
  return `{ ${pairs.join(', ')} }`;
}
