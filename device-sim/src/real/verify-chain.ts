import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import type { GatewayApi } from './gateway-api.ts';

const command = fileURLToPath(new URL('../../../gateway/bin/holdfast-gateway.js', import.meta.url));

/** Whether every chain of a gateway's ledger is whole, as `ledger verify` says. */
export async function verifyChain({ http, tokenFile }: GatewayApi): Promise<boolean> {
  const at = ['--url', http, '--token-file', tokenFile];
  const args = [command, 'ledger', 'verify', ...at, '-o', 'json'];
  const { stdout } = await promisify(execFile)(process.execPath, args);
  return (JSON.parse(stdout) as { readonly whole: boolean }).whole;
}
