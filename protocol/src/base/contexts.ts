import { HoldfastError, messageOf } from './errors.ts';

/**
 * The contexts of a person: names for what command lines are to talk to. One file has them for all
 * programs; each goes by its own part of a context. It has paths and addresses, and no secrets.
 */
export interface Contexts {
  /** What is gone by where nothing else is said; `null`: none. */
  readonly current: string | null;
  readonly contexts: readonly Context[];
}

/** Values by the names of their options: `data-dir`, `url`. */
export type ContextPart = Readonly<Record<string, string>>;

export interface Context {
  readonly name: string;
  /** Which agent `holdfast` talks to. */
  readonly device: ContextPart | null;
  /** Which gateway `holdfast-gateway` talks to. */
  readonly gateway: ContextPart | null;
}

export type ContextSide = 'device' | 'gateway';

/** What a part can have: the options that name an agent, and a gateway. */
export const contextOptions: Readonly<Record<ContextSide, readonly string[]>> = {
  device: ['socket', 'data-dir', 'store-key-file'],
  gateway: ['url', 'token-file', 'tls-ca', 'data-dir', 'ledger-file'],
};

/** Of the environment: the context to go by, in the place of the current one. */
export const CONTEXT_VARIABLE = 'HOLDFAST_CONTEXT';

export const noContexts: Contexts = { current: null, contexts: [] };

/**
 * Where the file is, by the environment of a person [XDG Base Directory Specification].
 * `undefined`: that has no home, as the one of a service.
 */
export function contextsPath(
  env: Readonly<Record<string, string | undefined>>,
): string | undefined {
  const { XDG_CONFIG_HOME = '', HOME = '' } = env;
  // One that is not absolute is to be ignored, by the specification.
  if (XDG_CONFIG_HOME.startsWith('/')) return `${XDG_CONFIG_HOME}/holdfast/contexts.json`;
  return HOME === '' ? undefined : `${HOME}/.config/holdfast/contexts.json`;
}

/** @throws HF_CONFIG_INVALID naming the file, for what is no such file. */
export function parseContexts(text: string, path: string): Contexts {
  const file = tableOf(parseJson(text, path));
  const { current = null, contexts } = file ?? {};
  const named = tableOf(contexts);
  const isWell = named !== undefined && (current === null || typeof current === 'string');
  if (!isWell) throw invalid(path, 'it is no file of contexts');
  const all = Object.entries(named).map(([name, context]) => {
    const parts = tableOf(context);
    if (parts === undefined) throw invalid(path, `the context ${name} is no object`);
    const part = (side: ContextSide) => partOf(parts[side], side, `${path}: context ${name}`);
    return { name, device: part('device'), gateway: part('gateway') };
  });
  return { current, contexts: all };
}

function partOf(value: unknown, side: ContextSide, place: string): ContextPart | null {
  if (value === undefined || value === null) return null;
  const fields = tableOf(value);
  if (fields === undefined) throw invalid(place, `its ${side} is no object`);
  for (const [option, text] of Object.entries(fields)) {
    if (contextOptions[side].includes(option) && typeof text === 'string') continue;
    throw invalid(place, `its ${side} has ${option}, which is not known or no text`);
  }
  // Each was just seen to be a text.
  return fields as ContextPart;
}

/** The file with these contexts, for people to read too. */
export function contextsText({ current, contexts }: Contexts): string {
  const rows = contexts.map(({ name, device, gateway }) => [
    name,
    { ...(device === null ? {} : { device }), ...(gateway === null ? {} : { gateway }) },
  ]);
  return `${JSON.stringify({ current, contexts: Object.fromEntries(rows) }, undefined, 2)}\n`;
}

/** @throws HF_CONTEXT_UNKNOWN */
export function contextNamed({ contexts }: Contexts, name: string): Context {
  const found = contexts.find((each) => each.name === name);
  if (found !== undefined) return found;
  const names = contexts.map((each) => each.name).join(', ');
  const why = names === '' ? `${name}; there are none yet` : `${name}; there are ${names}`;
  throw new HoldfastError('HF_CONTEXT_UNKNOWN', { why });
}

/**
 * With one part of a context, made or changed; the other part stays.
 *
 * @throws HF_NAME_INVALID
 */
export function withContext(
  all: Contexts,
  name: string,
  { side, part }: { readonly side: ContextSide; readonly part: ContextPart },
): Contexts {
  if (!/^(?!__proto__$)[A-Za-z0-9._-]{1,64}$/.test(name)) {
    const why = 'the name of a context has 1 to 64 letters, digits, dots, _ or -';
    throw new HoldfastError('HF_NAME_INVALID', { why });
  }
  const before = all.contexts.find((each) => each.name === name);
  const context = { device: null, gateway: null, ...before, name, [side]: part };
  const contexts =
    before === undefined
      ? [...all.contexts, context]
      : all.contexts.map((each) => (each === before ? context : each));
  return { ...all, contexts };
}

/** Without it; nothing is gone by where it was the current one. @throws HF_CONTEXT_UNKNOWN */
export function withoutContext(all: Contexts, name: string): Contexts {
  const gone = contextNamed(all, name);
  return {
    current: all.current === name ? null : all.current,
    contexts: all.contexts.filter((each) => each !== gone),
  };
}

/** @throws HF_CONTEXT_UNKNOWN */
export function withCurrent(all: Contexts, name: string): Contexts {
  return { ...all, current: contextNamed(all, name).name };
}

function tableOf(value: unknown): Readonly<Record<string, unknown>> | undefined {
  const isTable = typeof value === 'object' && value !== null && !Array.isArray(value);
  return isTable ? { ...value } : undefined;
}

function parseJson(text: string, path: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw invalid(path, messageOf(cause));
  }
}

function invalid(place: string, why: string): HoldfastError {
  return new HoldfastError('HF_CONFIG_INVALID', { why: `${place}: ${why}` });
}
