import { mkdirSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { API, SymbolFlags, type Project } from 'typescript/unstable/sync';
import type { Node, SourceFile } from 'typescript/unstable/ast';

/** From `test/dist/support`. */
export const apiPagesUrl = new URL('../../../docs/reference/api/', import.meta.url);
const root = fileURLToPath(new URL('../../..', import.meta.url));

interface Module {
  readonly specifier: string;
  /** Of its declarations. */
  readonly path: string;
  /** What it is for. */
  readonly about: string;
  /** Names that are described elsewhere. */
  readonly without?: readonly string[];
}

/** What programs of users import. */
const modules: Readonly<Record<string, Module>> = {
  'agent.md': {
    specifier: '@holdfast/agent',
    path: 'agent/dist/mod.d.ts',
    about: 'What workflows are written with, and the agent that runs them on a device.',
  },
  'agent-testing.md': {
    specifier: '@holdfast/agent/testing',
    path: 'agent/dist/testing/mod.d.ts',
    about: 'Workflows in virtual time, with outages, crashes and a gateway of their own.',
  },
  'gateway.md': {
    specifier: '@holdfast/gateway',
    path: 'gateway/dist/mod.d.ts',
    about: 'The gateway in a program of yours, and what handlers are given.',
  },
  'gateway-client.md': {
    specifier: '@holdfast/gateway/client',
    path: 'gateway/dist/client/client.d.ts',
    about: 'A client of the HTTP API, for Node and for browsers, typed by its description.',
    without: ['Operations'],
  },
  'device-sim.md': {
    specifier: '@holdfast/device-sim',
    path: 'device-sim/dist/mod.d.ts',
    about: 'What tests of whole systems are made of: real processes, a cuttable wire, an audit.',
  },
};

/** The pages of `docs/reference/api`, by their names. */
export function apiPages(): ReadonlyMap<string, string> {
  const api = new API({ cwd: root });
  try {
    const config = fileURLToPath(new URL('../../support/api-pages.json', import.meta.url));
    const snapshot = api.updateSnapshot({ openProjects: [config] });
    const [project] = snapshot.getProjects();
    if (project === undefined) throw new Error(`${config} is no project`);
    const pages = Object.entries(modules).map(
      ([file, module]) => [file, page(project, module)] as const,
    );
    return new Map([...pages, ['README.md', index()]]);
  } finally {
    api.close();
  }
}

function index(): string {
  const rows = Object.entries(modules).map(
    ([file, { specifier, about }]) => `| [\`${specifier}\`](${file}) | ${about} |`,
  );
  return `# TypeScript API

| import | what it is |
|---|---|
${rows.join('\n')}

These pages are made from the declarations and comments of the sources. After a build,
\`node test/dist/support/api-pages.js\` writes them anew.
`;
}

/** Something that a module exports. */
interface Exported {
  readonly name: string;
  /** As it is declared, without the comment before it. */
  readonly declarations: readonly string[];
  readonly comment: string;
}

function page(project: Project, { specifier, path, about, without = [] }: Module): string {
  const all = exportsOf(project, `${root}/${path}`).filter(({ name }) => !without.includes(name));
  const isType = ({ declarations: [first = ''] }: Exported) => /^(?:interface|type) /.test(first);
  const values = all.filter((each) => !isType(each));
  const types = all.filter(isType);
  return [
    `# ${specifier}`,
    about,
    ...(values.length === 0 ? [] : ['## Functions, classes and values', ...values.map(section)]),
    ...(types.length === 0 ? [] : ['## Types', ...types.map(section)]),
    '',
  ].join('\n\n');
}

function exportsOf(project: Project, path: string): readonly Exported[] {
  const { program, checker } = project;
  const file = program.getSourceFile(path);
  const module = file && checker.getSymbolAtLocation(file);
  if (module === undefined) throw new Error(`${path} is no module: build first`);
  const found = checker.getExportsOfModule(module).map((symbol) => {
    const isAlias = (symbol.flags & SymbolFlags.Alias) !== 0;
    const target = isAlias ? checker.getAliasedSymbol(symbol) : symbol;
    const nodes = target.declarations.flatMap((handle) => handle.resolve(project) ?? []);
    const texts = nodes.map(declarationOf);
    const comment = texts.find((each) => each.comment !== '')?.comment ?? '';
    return { name: symbol.name, declarations: texts.map(({ text }) => text), comment };
  });
  return found.toSorted((a, b) => (a.name.toLowerCase() < b.name.toLowerCase() ? -1 : 1));
}

function declarationOf(node: Node) {
  // A name of a `const` is declared two levels below what is written.
  const isPart = /^[\w$]+(?::| =)/.test(textOf(node).text);
  return textOf(isPart ? node.parent.parent : node);
}

function textOf(node: Node): { readonly comment: string; readonly text: string } {
  const file = fileOf(node);
  const whole = file.text.slice(node.pos, node.end);
  const [, comment = '', rest = ''] = /^\s*(?:\/\*\*([^]*?)\*\/)?\s*([^]*)$/.exec(whole) ?? [];
  const text = rest
    .replace(/^(?:export )?(?:declare )?/, '')
    .replace(/^ *(?:#private;|private .*)\n/gm, '')
    .replace(/^(?: {4})+/gm, (blank) => blank.slice(blank.length / 2));
  return { comment, text };
}

function fileOf(node: Node): SourceFile {
  let at = node;
  while (at.parent !== undefined) at = at.parent;
  // The outermost node of all is the file.
  return at as SourceFile;
}

function section({ name, declarations, comment }: Exported): string {
  const { prose, tags } = readComment(comment);
  return [
    `### ${name}`,
    ...(prose === '' ? [] : [prose]),
    ...(tags.length === 0 ? [] : [tags.join('\n')]),
    `\`\`\`ts\n${declarations.map(asWritten).join('\n')}\n\`\`\``,
  ].join('\n\n');
}

/** Of values, the type alone is told. */
function asWritten(text: string): string {
  return /^(?:interface|type) /.test(text) ? text : `declare ${text}`;
}

/** The words of a comment, and what it says of parameters, results and errors. */
function readComment(comment: string) {
  const lines = comment.split('\n').map((line) => line.replace(/^\s*\* ?/, '').trimEnd());
  const text = lines.join('\n').trim().replace(/\{@link (\w+)\}/g, '`$1`');
  const at = text.search(/^@/m);
  const prose = at === -1 ? text : text.slice(0, at).trim();
  const parts = at === -1 ? [] : text.slice(at).split(/^@/m).slice(1);
  return { prose: prose.replace(/(?<!\n)\n(?![\n-])/g, ' '), tags: parts.map(tagLine) };
}

function tagLine(part: string): string {
  const text = part.trim().replace(/\s*\n\s*/g, ' ');
  const [, tag = '', words = ''] = /^(\w+)\s*(.*)$/.exec(text) ?? [];
  if (tag === 'param') return `- ${words.replace(/^(\S+)\s*/, '`$1`: ')}`;
  if (tag === 'returns') return `- Returns: ${words}`;
  if (tag === 'throws') return `- Throws ${words}`;
  return `- ${tag}: ${words}`;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  mkdirSync(apiPagesUrl, { recursive: true });
  for (const [file, text] of apiPages()) writeFileSync(new URL(file, apiPagesUrl), text);
}
