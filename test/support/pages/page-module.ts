import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

/** From `test/dist/support/pages`. */
const root = fileURLToPath(new URL('../../../..', import.meta.url));

/** A module of the pages, which are made for browsers, as their build makes it. */
export async function pageModule<T>(path: string): Promise<T> {
  const { outputFiles } = await build({
    ...{ entryPoints: [path], absWorkingDir: root, bundle: true, write: false, format: 'esm' },
    ...{ jsx: 'automatic', jsxImportSource: 'preact' },
    alias: { '@holdfast/protocol/base': './protocol/src/base.ts' },
  });
  const text = outputFiles[0]?.text ?? '';
  // Built from the sources that the type is of.
  return (await import(`data:text/javascript,${encodeURIComponent(text)}`)) as T;
}
