import { readFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { codeOf, HoldfastError } from '@holdfast/protocol';
import { applyConfig, createProgram } from '@holdfast/gateway/internal';
import { gatewaySettings, gatewaySettingsUrl } from '../../support/gateway-settings.ts';
import { tempDir } from '../../support/temp-dir.ts';

/** What `serve` would go by, with this file and these words. */
async function settings(t: ExecutionContext, toml: string, ...words: readonly string[]) {
  const path = join(await tempDir(t), 'gateway.toml');
  await writeFile(path, toml);
  const serve = createProgram(() => undefined).commands.find((each) => each.name() === 'serve');
  if (serve === undefined) throw new Error('there is no serve');
  serve.parseOptions([...words]);
  await applyConfig(serve, path);
  return serve.opts();
}

test('a file gives every kind of setting, and the command line goes before it', async (t) => {
  const toml = `
data-dir = "/srv/gw"
http-port = 9090
insecure = true
handler = ["mail=http://127.0.0.1:9/mail", "stock=http://127.0.0.1:9/stock"]
tls-name = "gw.example"
log-format = "json"
`;
  t.like(await settings(t, toml, '--http-port', '7070'), {
    ...{ dataDir: '/srv/gw', httpPort: 7_070, insecure: true, logFormat: 'json' },
    handler: ['mail=http://127.0.0.1:9/mail', 'stock=http://127.0.0.1:9/stock'],
    ...{ tlsName: ['gw.example'], host: '127.0.0.1' },
  });
  t.is((await settings(t, 'insecure = false'))['insecure'], undefined);
});

for (const [toml, why] of [
  ['data-dir = "/srv"\nhtpp-port = 1\n', /:2: there is no setting .+; did you mean http-port\?/],
  ['Data_Dir = "/srv"', /:1: there is no setting Data_Dir; it is called data-dir$/],
  ['\nhttp-port = 70000', /:2: http-port is 70000: It is not an integer from 0 to 65535\.$/],
  ['log-format = "xml"', /:1: log-format is one of text, json, not xml$/],
  ['insecure = "yes"', /:1: insecure is true or false$/],
  ['handler = [1, {}]', /:1: handler has to be a text$/],
  ['host = ""', /:1: host is empty$/],
  ['output = "json"', /:1: there is no setting output$/],
  ['data-dir = \n', /:1: /],
] as const) {
  test(`a file is refused with its line: ${JSON.stringify(toml)}`, async (t) => {
    const error = await t.throwsAsync(settings(t, toml), { instanceOf: HoldfastError });

    t.is(codeOf(error), 'HF_CONFIG_INVALID');
    t.regex(error?.why ?? '', why);
  });
}

test('docs/reference/gateway-configuration.md has every setting', (t) => {
  const page = readFileSync(gatewaySettingsUrl, 'utf8');

  t.is(page, gatewaySettings(page));
});
