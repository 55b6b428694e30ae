import { HoldfastError, durationMs } from '@holdfast/protocol';
import { parse, TomlError } from 'smol-toml';
import { factsOf, faultKinds, isFaultKind, type FaultParam } from './fault-kinds.ts';
import { calm } from './calm.ts';
import { COUNT_MAX, scenarioFields, type FieldType } from './scenario-fields.ts';
import { TomlLines } from './toml-lines.ts';
import type { Fault, Scenario, StartRule } from './scenario.ts';

type Table = Readonly<Record<string, unknown>>;

/**
 * Reads the text of a scenario's file.
 *
 * @param path For messages. @throws HF_CONFIG_INVALID, naming file and line.
 */
export function parseScenario(text: string, path: string, name: string): Scenario {
  return new Reader(text, path).read(name);
}

/** Where a value stands. */
interface Place {
  readonly table: string;
  readonly key?: string;
  readonly number?: number;
}

class Reader {
  readonly #path: string;
  readonly #lines: TomlLines;
  readonly #tables: Table;

  constructor(text: string, path: string) {
    this.#path = path;
    this.#lines = new TomlLines(text);
    try {
      this.#tables = parse(text);
    } catch (cause) {
      if (!(cause instanceof TomlError)) throw cause;
      // The first line says what; the others draw the place.
      const [what = ''] = cause.message.replace(/^Invalid TOML document: /, '').split('\n');
      throw new HoldfastError('HF_CONFIG_INVALID', { why: `${path}:${cause.line}: ${what}` });
    }
  }

  read(name: string): Scenario {
    const members: Record<string, unknown> = {};
    for (const [table, value] of this.#ownTables()) this.#fields(table, value, members);
    const { drop, duplicate, delay, corrupt, cut, ...own } = { ...calm.weather, ...members };
    const weather = { drop, duplicate, delay, corrupt, cut };
    // Each member was read by the table of fields, which says its type.
    const scenario = { ...calm, ...own, name, weather } as Scenario;
    const starts = this.#list('start').map((each, number) => this.#start(each, number));
    const faults = this.#list('fault').map((each, number) => this.#fault(each, number, scenario));
    return { ...scenario, starts, faults };
  }

  #ownTables(): readonly (readonly [table: string, value: Table])[] {
    const top: Record<string, unknown> = {};
    const tables: (readonly [string, Table])[] = [];
    for (const [key, value] of Object.entries(this.#tables)) {
      if (key === 'start' || key === 'fault') continue;
      if (isTable(value)) tables.push([key, value]);
      else top[key] = value;
    }
    return [['', top], ...tables];
  }

  #fields(table: string, values: Table, into: Record<string, unknown>): void {
    const fields = Object.hasOwn(scenarioFields, table) ? scenarioFields[table] : undefined;
    if (fields === undefined) {
      const known = [...Object.keys(scenarioFields).filter(Boolean), 'start', 'fault'];
      throw this.#wrong({ table }, `there is no table [${table}]; there are ${known.join(', ')}`);
    }
    for (const [key, value] of Object.entries(values)) {
      const place = { table, key };
      const field = Object.hasOwn(fields, key) ? fields[key] : undefined;
      if (field === undefined) throw this.#unknown(place, Object.keys(fields));
      into[field.member] = this.#value(field.type, value, place);
    }
  }

  #list(name: string): readonly Table[] {
    const list = this.#tables[name] ?? [];
    if (Array.isArray(list) && list.every(isTable)) return list;
    throw this.#wrong({ table: name }, `write it as [[${name}]], once for each`);
  }

  #start(values: Table, number: number): StartRule {
    const at = (key: string): Place => ({ table: 'start', key, number });
    for (const key of Object.keys(values)) {
      const known = ['workflow', 'every', 'input'];
      if (!known.includes(key)) throw this.#unknown(at(key), known);
    }
    const { workflow, every, input = null } = values;
    return {
      workflow: String(this.#value('text', workflow, at('workflow'))),
      everyMs: this.#positiveMs(every, at('every')),
      input,
    };
  }

  #fault(values: Table, number: number, { devices, durationMs: lastsMs }: Scenario): Fault {
    const at = (key: string): Place => ({ table: 'fault', key, number });
    const { kind, every, at: moments, for: lasting, devices: some, ...others } = values;
    const name = String(this.#value('text', kind, at('kind')));
    if (!isFaultKind(name)) {
      const known = Object.keys(faultKinds).join(', ');
      throw this.#wrong(at('kind'), `there is no fault ${name}; there are ${known}`);
    }
    if ((every === undefined) === (moments === undefined)) {
      throw this.#wrong(at(''), `${name} needs either every, or at`);
    }
    const atMs = this.#moments(moments, at('at'), lastsMs);
    const count = some === undefined ? undefined : this.#count(some, at('devices'));
    if (count !== undefined && factsOf(name).of === 'fleet') {
      throw this.#wrong(at('devices'), `${name} happens to the fleet, not to devices`);
    }
    if (count !== undefined && count > devices) {
      throw this.#wrong(at('devices'), `there are ${devices} devices, not ${count}`);
    }
    return {
      ...{ kind: name, atMs, devices: count },
      everyMs: every === undefined ? 0 : this.#positiveMs(every, at('every')),
      forMs: this.#positiveMs(lasting, at('for')),
      params: this.#params(factsOf(name).params, others, number),
    };
  }

  #params(
    known: Readonly<Record<string, FaultParam>>,
    given: Table,
    number: number,
  ): Readonly<Record<string, number>> {
    const params: Record<string, number> = {};
    for (const [name, { usual }] of Object.entries(known)) params[name] = usual;
    for (const [key, value] of Object.entries(given)) {
      const place = { table: 'fault', key, number };
      const param = Object.hasOwn(known, key) ? known[key] : undefined;
      if (param === undefined) {
        throw this.#unknown(place, [
          'kind',
          'every',
          'at',
          'for',
          'devices',
          ...Object.keys(known),
        ]);
      }
      params[key] = Number(this.#value(param.type, value, place));
    }
    return params;
  }

  #moments(value: unknown, place: Place, lastsMs: number): readonly number[] {
    if (value === undefined) return [];
    const moments: readonly unknown[] = Array.isArray(value) ? value : [value];
    return moments.map((each) => {
      const ms = Number(this.#value('duration', each, place));
      if (ms < lastsMs) return ms;
      throw this.#wrong(place, `${String(each)} is not within the duration of the scenario`);
    });
  }

  #positiveMs(value: unknown, place: Place): number {
    const ms = Number(this.#value('duration', value, place));
    if (ms > 0) return ms;
    throw this.#wrong(place, 'it has to be longer than nothing');
  }

  #count(value: unknown, place: Place): number {
    return Number(this.#value('count', value, place));
  }

  #value(type: FieldType, value: unknown, place: Place): string | number {
    if (value === undefined) throw this.#wrong(place, `it needs ${place.key ?? ''}`);
    const read = readers[type](value);
    if (read !== undefined) return read;
    throw this.#wrong(place, `${place.key ?? ''} is ${JSON.stringify(value)}; ${wanted[type]}`);
  }

  #unknown(place: Place, known: readonly string[]): HoldfastError {
    const table = place.table === '' ? '' : ` in [${place.table}]`;
    return this.#wrong(place, `there is no ${place.key}${table}; there are ${known.join(', ')}`);
  }

  #wrong({ table, key, number }: Place, what: string): HoldfastError {
    const line = this.#lines.of(table, key, number);
    return new HoldfastError('HF_CONFIG_INVALID', { why: `${this.#path}:${line}: ${what}` });
  }
}

/** Each gives `undefined` for what is none. */
const readers: Readonly<Record<FieldType, (value: unknown) => string | number | undefined>> = {
  duration: (value) => {
    try {
      return typeof value === 'string' ? durationMs(value) : undefined;
    } catch {
      return undefined;
    }
  },
  count: (value) =>
    Number.isInteger(value) && Number(value) >= 1 && Number(value) <= COUNT_MAX
      ? Number(value)
      : undefined,
  share: (value) => (typeof value === 'number' && value >= 0 && value <= 1 ? value : undefined),
  number: (value) => (typeof value === 'number' && value > 0 ? value : undefined),
  text: (value) => (typeof value === 'string' && value !== '' ? value : undefined),
};

const wanted: Readonly<Record<FieldType, string>> = {
  duration: 'a time is a text such as "30s", "5m" or "2h", and never negative',
  count: `it has to be a whole number from 1 to ${COUNT_MAX}`,
  share: 'it has to be a number from 0 to 1',
  number: 'it has to be a number above 0',
  text: 'it has to be a text',
};

function isTable(value: unknown): value is Table {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
