import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import test from 'ava';
import { validate } from 'dockerfile-utils';
import { parse } from 'yaml';
import { brokenRules } from '../support/dockerfile-rules.ts';
import { runGateway, serveGateway } from '../support/gateway-process.ts';
import { tempDir } from '../support/temp-dir.ts';

const root = fileURLToPath(new URL('../../..', import.meta.url));
const folder = 'packaging/gateway';

/** The words of each instruction of a kind, in their JSON form. */
function words(dockerfile: string, instruction: string): readonly string[][] {
  const found = dockerfile.matchAll(new RegExp(`^ *${instruction} (\\[.*\\])$`, 'gm'));
  return [...found].map(([, list = '[]']) => JSON.parse(list) as string[]);
}

test('the image of the gateway starts what it says, and knows when that is healthy', async (t) => {
  const dockerfile = await readFile(join(root, folder, 'Dockerfile'), 'utf8');
  t.deepEqual(validate(dockerfile), []);
  t.deepEqual(words(dockerfile, 'ENTRYPOINT'), [['holdfast-gateway']]);
  const [[node = '', ...health] = [], [serve, option, , ...args] = []] = words(dockerfile, 'CMD');
  t.deepEqual([serve, option], ['serve', '--data-dir']);

  const { http } = await serveGateway(t, await tempDir(t), ...args);
  const run = promisify(execFile);
  const at = (port: string) => health.map((part) => part.replace('8080', port));
  await t.notThrowsAsync(run(node, at(new URL(http).port)));
  await t.throwsAsync(run(node, at('1')));
});

test('the image keeps the rules of hadolint, and what breaks one is found', async (t) => {
  const dockerfile = await readFile(join(root, folder, 'Dockerfile'), 'utf8');
  const good = 'FROM node:22-bookworm-slim\nUSER holdfast\n';

  t.deepEqual(brokenRules(dockerfile), []);
  t.deepEqual(brokenRules(good), []);
  for (const [rule, text] of [
    ['DL3006', 'FROM node\nUSER a'],
    ['DL3007', 'FROM node:latest\nUSER a'],
    ['DL3002', `${good}USER root`],
    ['DL3002', 'FROM node:22'],
    ['DL3000', `${good}WORKDIR app`],
    ['DL3045', `${good}COPY a b`],
    ['DL3022', `${good}COPY --from=built /a /b`],
    ['DL3020', `${good}ADD a /b`],
    ['DL3025', `${good}CMD serve`],
    ['DL4003', `${good}CMD ["a"]\nCMD ["b"]`],
    ['DL3011', `${good}EXPOSE 80000`],
    ['DL4000', `${good}MAINTAINER me`],
    ['DL3059', `${good}RUN a\nRUN b`],
    ['DL3003', `${good}RUN cd /a && b`],
    ['DL3004', `${good}RUN sudo b`],
    ['DL3027', `${good}RUN apt update`],
    ['DL3008', `${good}RUN apt-get install -y --no-install-recommends curl`],
    ['DL3009', `${good}RUN apt-get install -y curl=1`],
    ['DL3015', `${good}RUN apt-get install -y curl=1`],
    ['DL3014', `${good}RUN apt-get install curl=1`],
    ['DL3016', `${good}RUN npm install mqtt`],
    ['DL3046', `${good}RUN useradd --uid 1000000 a`],
    ['DL4006', `${good}RUN a | b`],
  ] as const) {
    t.true(
      brokenRules(text).some((each) => each.includes(rule)),
      `${rule}: ${text}`,
    );
  }
});

interface Service {
  readonly image?: string;
  readonly build?: { readonly context: string; readonly dockerfile: string };
  readonly command?: readonly string[];
  readonly secrets?: readonly string[];
  readonly volumes?: readonly string[];
  readonly depends_on?: Readonly<Record<string, unknown>>;
}

interface Compose {
  readonly services: Readonly<Record<string, Service>>;
  readonly secrets: Readonly<Record<string, unknown>>;
  readonly volumes: Readonly<Record<string, unknown>>;
}

test('the compose file names what is there, with options that are known', async (t) => {
  const path = join(root, folder, 'compose.yaml');
  const { services, secrets, volumes } = parse(await readFile(path, 'utf8')) as Compose;
  const help = (await runGateway('serve', '--help')).stdout;

  for (const [name, service] of Object.entries(services)) {
    for (const secret of service.secrets ?? []) t.true(secret in secrets, secret);
    for (const volume of service.volumes ?? []) t.true((volume.split(':')[0] ?? '') in volumes);
    for (const other of Object.keys(service.depends_on ?? {})) t.true(other in services, other);
    t.true(service.image !== undefined || service.build !== undefined, name);
  }
  const { build, command = [] } = services['gateway'] ?? {};
  t.true(existsSync(join(dirname(path), build?.context ?? '', build?.dockerfile ?? 'nothing')));
  const options = command.join(' ').match(/--[a-z-]+/g) ?? [];
  t.true(options.length > 3);
  for (const option of options) t.true(help.includes(option), option);
});
