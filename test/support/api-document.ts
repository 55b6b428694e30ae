import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Gateway } from '@holdfast/gateway';

/** From `test/dist/support`. */
export const apiDocumentUrl = new URL('../../../docs/reference/openapi.json', import.meta.url);

/** The text of `docs/reference/openapi.json`, as a gateway serves it. */
export async function readApiDocument(http: string): Promise<string> {
  const document: unknown = await (await fetch(`${http}/openapi.json`)).json();
  return `${JSON.stringify(document, undefined, 2)}\n`;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const dataDir = await mkdtemp(join(tmpdir(), 'holdfast-openapi-'));
  const gateway = await Gateway.open({ dataDir, mqttPort: 0, httpPort: 0 });
  await writeFile(apiDocumentUrl, await readApiDocument(gateway.httpUrl));
  await gateway.close();
  await rm(dataDir, { recursive: true });
}
