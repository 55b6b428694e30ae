// Loaded into every process of tests, before them: stacks point into the TypeScript sources.
// Node itself would read the map of each module as it loads it, which is a third of what it takes
// to start a file of tests; here a map is read once a stack with its module in it is looked at.
import { readFileSync } from 'node:fs';
import { SourceMap, type SourceMapPayload } from 'node:module';
import { fileURLToPath } from 'node:url';

const maps = new Map<string, SourceMap | undefined>();

function readMap(module: string): SourceMap | undefined {
  try {
    const text = readFileSync(fileURLToPath(`${module}.map`), 'utf8');
    return new SourceMap(JSON.parse(text) as SourceMapPayload);
  } catch {
    // It was never compiled: what stands in the stack is its source.
    return undefined;
  }
}

function mapOf(module: string): SourceMap | undefined {
  if (!maps.has(module)) maps.set(module, readMap(module));
  return maps.get(module);
}

/** Its text is that of the line in a stack. */
interface Site extends NodeJS.CallSite {
  toString(): string;
}

/** Where a call stands in its source, as Node writes it; the site itself when that is all. */
function written(site: Site): string {
  const module = site.getFileName() ?? '';
  const map = module.startsWith('file:') ? mapOf(module) : undefined;
  const entry = map?.findEntry((site.getLineNumber() ?? 1) - 1, (site.getColumnNumber() ?? 1) - 1);
  if (entry === undefined || !('originalSource' in entry)) return site.toString();
  const source = new URL(entry.originalSource, module).href;
  const place = `${source}:${entry.originalLine + 1}:${entry.originalColumn + 1}`;
  return site.toString().replace(/file:[^()]+?:\d+:\d+/, place);
}

/** Whatever was made of it: a look at a stack must not fail. */
function headOf(error: Error): string {
  try {
    return Error.prototype.toString.call(error);
  } catch {
    return 'Error';
  }
}

process.setSourceMapsEnabled(false);
Error.prepareStackTrace = (error, sites) =>
  [headOf(error), ...sites.map((site) => `    at ${written(site)}`)].join('\n');
