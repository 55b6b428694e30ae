import { readFile } from 'node:fs/promises';
import { HoldfastError, messageOf } from '@holdfast/protocol/base';
import type { AgentOptions } from '../agent-options.ts';

/** Files that say how to get to the broker. */
export interface BrokerFiles {
  readonly tlsCa?: string;
  readonly tlsCert?: string;
  readonly tlsKey?: string;
  readonly passwordFile?: string;
  /** Address of a proxy, and a file with its password. */
  readonly proxy?: string;
  readonly proxyPasswordFile?: string;
}

/** Reads the files that are named. @throws HF_CONFIG_INVALID, naming the option and the file. */
export async function brokerAccess(
  files: BrokerFiles,
): Promise<Pick<AgentOptions, 'tls' | 'password' | 'proxy'>> {
  const ca = await read('--tls-ca', files.tlsCa);
  const cert = await read('--tls-cert', files.tlsCert);
  const key = await read('--tls-key', files.tlsKey);
  const password = await readPassword('--password-file', files.passwordFile);
  const tls = {
    ...(ca === undefined ? {} : { ca }),
    ...(cert === undefined ? {} : { cert }),
    ...(key === undefined ? {} : { key }),
  };
  return {
    ...(Object.keys(tls).length === 0 ? {} : { tls }),
    ...(password === undefined ? {} : { password }),
    ...(await proxyAccess(files)),
  };
}

/** @throws HF_CONFIG_INVALID, naming the option and the file. */
export async function proxyAccess({
  proxy: url,
  proxyPasswordFile,
}: BrokerFiles): Promise<Pick<AgentOptions, 'proxy'>> {
  if (url === undefined) return {};
  const password = await readPassword('--proxy-password-file', proxyPasswordFile);
  return { proxy: { url, ...(password === undefined ? {} : { password }) } };
}

/** Editors end files with a line break. @throws HF_CONFIG_INVALID, naming option and file. */
export async function readPassword(
  option: string,
  path: string | undefined,
): Promise<string | undefined> {
  return (await read(option, path))?.replace(/\r?\n$/, '');
}

async function read(option: string, path: string | undefined): Promise<string | undefined> {
  if (path === undefined) return undefined;
  try {
    return await readFile(path, 'utf8');
  } catch (cause) {
    const why = `${option} ${path} cannot be read: ${messageOf(cause)}`;
    throw new HoldfastError('HF_CONFIG_INVALID', { why, cause });
  }
}
