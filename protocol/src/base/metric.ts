/** A number with what it is the number of. */
export interface Tallied {
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

/** One metric, by its name without the prefix, as it is now. */
export interface Metric {
  readonly name: string;
  readonly type: 'gauge' | 'counter' | 'histogram' | 'summary';
  readonly help: string;
  /** `suffix`: what the format adds to the name, such as `_sum`. */
  readonly values: readonly (Tallied & { readonly suffix?: string })[];
}

type Make = (name: string, help: string, values: readonly Tallied[]) => Metric;

export const gauge: Make = (name, help, values) => ({ name, type: 'gauge', help, values });
export const counter: Make = (name, help, values) => ({ name, type: 'counter', help, values });

/** Where there is one number and no label; `null`: it is not known. */
export function single(value: number | null): readonly Tallied[] {
  return value === null ? [] : [{ labels: {}, value }];
}

/**
 * Metrics in the text format of Prometheus 0.0.4. Those without any value are left out. Ids and
 * seqs are never labels.
 */
export function metricsText(metrics: readonly Metric[]): string {
  const lines = metrics
    .filter(({ values }) => values.length > 0)
    .flatMap(({ name, type, help, values }) => {
      const full = `holdfast_${name}`;
      const rows = values.map(
        ({ suffix = '', labels, value }) => `${full}${suffix}${labelText(labels)} ${value}`,
      );
      return [`# HELP ${full} ${help}`, `# TYPE ${full} ${type}`, ...rows];
    });
  return `${lines.join('\n')}\n`;
}

function labelText(labels: Readonly<Record<string, string>>): string {
  const pairs = Object.entries(labels).map(([name, value]) => `${name}="${escaped(value)}"`);
  return pairs.length === 0 ? '' : `{${pairs.join(',')}}`;
}

function escaped(value: string): string {
  return value.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n');
}
