import { CONTEXT_VARIABLE, contextNamed } from '@holdfast/protocol';
import { readContexts } from './context-file.ts';
import type { SourceOptions } from './fleet-source.ts';
import { usage } from './options.ts';

/**
 * The same, from a context where nothing else names a gateway: options go before `--context`, that
 * before HOLDFAST_LEDGER, and this before HOLDFAST_CONTEXT and the context in use.
 *
 * @throws HF_CONTEXT_UNKNOWN; HF_USAGE for one that names no gateway.
 */
export function contextSource<O extends SourceOptions>(options: O, env: NodeJS.ProcessEnv): O {
  const { context, url, dataDir, ledger, ledgerFile } = options;
  if ([url, dataDir, ledger, ledgerFile].some((each) => each !== undefined)) return options;
  if (context === undefined && env['HOLDFAST_LEDGER']) return options;
  const named = context ?? (env[CONTEXT_VARIABLE] || undefined);
  const all = readContexts(env);
  const name = named ?? all.current;
  if (name === null) return options;
  const { gateway } = contextNamed(all, name);
  // One for agents only may be in use: then a gateway is to be named, as without any.
  if (gateway === null && named === undefined) return options;
  if (gateway === null) {
    const how = `\`holdfast-gateway context set ${name} --url URL\``;
    throw usage(`the context ${name} names no gateway: ${how}`);
  }
  const { 'token-file': token, 'tls-ca': ca, 'data-dir': directory, 'ledger-file': file } = gateway;
  const address = gateway['url'] ?? '';
  return {
    ...options,
    ...(URL.canParse(address) ? { url: new URL(address) } : {}),
    ...(directory === undefined ? {} : { dataDir: directory }),
    ...(file === undefined ? {} : { ledgerFile: file }),
    ...(token === undefined || options.tokenFile !== undefined ? {} : { tokenFile: token }),
    ...(ca === undefined || options.tlsCa !== undefined ? {} : { tlsCa: ca }),
  };
}
