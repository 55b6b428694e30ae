import { basename } from 'node:path/posix';
import { findFunctions } from './functions.ts';
import { placeOf } from './layers.ts';
import { lineAt, type Source, type Violation } from './source.ts';

const COLUMNS_MAX = 100;
const FILE_LINES_MAX = 500;
const TEST_LINES_MAX = 600;
const FUNCTION_LINES_MAX = 70;
const PARAMETERS_MAX = 4;

const isTest = (source: Source): boolean => source.path.startsWith('test/');

/** A pattern that code may not have. Strings and comments do not count. */
interface Ban {
  readonly rule: string;
  readonly pattern: RegExp;
  readonly where: (source: Source) => boolean;
  /** Allowed with a comment on its line or the line before. */
  readonly unlessExplained?: boolean;
}

const everywhere = (): boolean => true;
const inPureCode = ({ path }: Source): boolean =>
  /^protocol(?!\/web)|\/core$/.test(placeOf(path) ?? '');

/** What pure code is given through ports. */
const impure = [
  /\bDate\.now\b/,
  /\bnew Date\s*\(\s*\)/,
  /\bMath\.random\b/,
  /(?<![.\w$])(?:process|console)\s*\./,
  /(?<![.\w$])set(?:Timeout|Interval|Immediate)\s*\(/,
];

const bans: readonly Ban[] = [
  {
    rule: 'errors come from the catalogue: new HoldfastError(code)',
    pattern: /\bnew Error\s*\(/g,
    where: (source) => !isTest(source) && !source.path.startsWith('examples/'),
    unlessExplained: true,
  },
  {
    rule: 'pure code takes time, chance and the process through ports',
    pattern: new RegExp(impure.map((each) => each.source).join('|'), 'g'),
    where: inPureCode,
  },
  {
    rule: 'any is explained by a comment',
    pattern: /(?<=[:<,|&(=]\s*|\bas\s+)any\b(?!\s*[:(])/g,
    where: everywhere,
    unlessExplained: true,
  },
  {
    rule: 'a non-null assertion is explained by a comment',
    pattern: /(?<=[\w$)\]])!(?![=\w])/g,
    where: everywhere,
    unlessExplained: true,
  },
  {
    rule: 'a double assertion is explained by a comment',
    pattern: /\bas unknown as\b/g,
    where: everywhere,
    unlessExplained: true,
  },
  {
    rule: 'every test runs',
    pattern: /\btest(?:\.\w+)*\.(?:only|todo|failing)\b/g,
    where: isTest,
  },
];

function checkBans(source: Source): Violation[] {
  return bans
    .filter((ban) => ban.where(source))
    .flatMap((ban) =>
      [...source.code.matchAll(ban.pattern)]
        .map((match) => lineAt(source.code, match.index))
        .filter((line) => !(ban.unlessExplained === true && isExplained(source, line)))
        .map((line) => ({ path: source.path, line, rule: ban.rule })),
    );
}

function isExplained(source: Source, line: number): boolean {
  return [source.comments[line - 1], source.comments[line - 2]].some(Boolean);
}

const commentBans: readonly (readonly [rule: string, pattern: RegExp])[] = [
  ['what is missing is an issue, not a comment', /\b(?:TODO|FIXME|XXX|HACK)\b/],
  ['the compiler is not switched off', /@ts-(?:ignore|nocheck)\b/],
  ['a rule is switched off with its reason', /\b(?:ox|es)lint-disable(?!.* -- \S)/],
];

function checkComments(source: Source): Violation[] {
  return source.comments.flatMap((text, index) =>
    commentBans
      .filter(([, pattern]) => pattern.test(text))
      .map(([rule]) => ({ path: source.path, line: index + 1, rule })),
  );
}

function checkSizes(source: Source): Violation[] {
  const linesMax = isTest(source) ? TEST_LINES_MAX : FILE_LINES_MAX;
  const violations: Violation[] = source.lines.flatMap((text, index) =>
    [...text].length <= COLUMNS_MAX
      ? []
      : [{ path: source.path, line: index + 1, rule: `a line has ≤ ${COLUMNS_MAX} columns` }],
  );
  if (source.lines.length - 1 > linesMax) {
    violations.push({ path: source.path, line: linesMax, rule: `a file has ≤ ${linesMax} lines` });
  }
  for (const { line, lines, parameters } of findFunctions(source.code)) {
    if (lines > FUNCTION_LINES_MAX) {
      const rule = `a function has ≤ ${FUNCTION_LINES_MAX} lines`;
      violations.push({ path: source.path, line, rule });
    }
    if (parameters > PARAMETERS_MAX) {
      const rule = `a function has ≤ ${PARAMETERS_MAX} parameters`;
      violations.push({ path: source.path, line, rule });
    }
  }
  return violations;
}

const kebabCase = /^\.?[a-z0-9]+(?:-[a-z0-9]+)*(?:\.(?:test|bench|config|d))?\.(?:tsx?|m?js)$/;
const drawer = /(?:^|-)(?:utils?|helpers?|common|misc|managers?)(?:[-.]|$)|^data\./;

function checkName({ path }: Source): Violation[] {
  const name = basename(path);
  const violations: Violation[] = [];
  if (!kebabCase.test(name)) violations.push({ path, line: 1, rule: 'a file is in kebab-case' });
  if (drawer.test(name)) violations.push({ path, line: 1, rule: 'a file names its one concept' });
  return violations;
}

/** Rules for source files. */
export function checkSource(source: Source): Violation[] {
  return [
    ...checkName(source),
    ...checkSizes(source),
    ...checkBans(source),
    ...checkComments(source),
  ];
}

const machinePath = /(?<![\w.$}~-])\/(?:work|root|home|tmp|Users)(?:\/|\b(?![\w-]))/;
const registryHost = /\bregistry\.[a-z0-9-]+\.[a-z]{2,}\b|\b_authToken\b|"resolved": "https?:/;

/** Rules for every text file. */
export function checkText(path: string, text: string): Violation[] {
  return text.split('\n').flatMap((line, index) => {
    const violations: Violation[] = [];
    const at = { path, line: index + 1 };
    if (machinePath.test(line)) violations.push({ ...at, rule: 'no path of one machine' });
    if (registryHost.test(line)) violations.push({ ...at, rule: 'no address of a registry' });
    return violations;
  });
}
