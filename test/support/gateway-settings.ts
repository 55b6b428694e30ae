import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { createProgram } from '@holdfast/gateway/internal';

/** From `test/dist/support`. */
export const gatewaySettingsUrl = new URL(
  '../../../docs/reference/gateway-configuration.md',
  import.meta.url,
);

const notSettings: readonly string[] = ['config', 'output', 'debug', 'help'];
const HEAD = '| setting | is | default |\n|---|---|---|\n';

/** The page with its table made of the options of `serve`. */
export function gatewaySettings(page: string): string {
  const serve = createProgram(() => undefined).commands.find((each) => each.name() === 'serve');
  const rows = (serve?.options ?? [])
    .filter((option) => !notSettings.includes(option.name()))
    .map((option) => {
      const { description, argChoices, defaultValue } = option;
      const choices = argChoices ? `: ${argChoices.join(', ')}` : '';
      const cells = [`\`${option.name()}\``, `${description}${choices}`, defaultValue ?? ''];
      return `| ${cells.join(' | ')} |`;
    });
  const from = page.indexOf(HEAD) + HEAD.length;
  const to = page.indexOf('\n\n', from);
  return `${page.slice(0, from)}${rows.join('\n')}${page.slice(to)}`;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  writeFileSync(gatewaySettingsUrl, gatewaySettings(readFileSync(gatewaySettingsUrl, 'utf8')));
}
