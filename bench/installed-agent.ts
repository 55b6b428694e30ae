import { cp, copyFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { checkoutFile } from './child.ts';

interface Packaging {
  readonly bundleAgent: (directory: string, version: string) => Promise<void>;
  readonly nativePartHere: () => string;
}

/**
 * Puts the agent into a directory as a device gets it from its package, and the checkout's code
 * beside it. @returns The program, and the code.
 */
export async function installAgent(
  dir: string,
): Promise<{ readonly program: string; readonly code: string }> {
  const packaging = (await import(checkoutFile('packaging/bundle.mjs'))) as Packaging;
  const agent = join(dir, 'node_modules', '@holdfast', 'agent');
  await packaging.bundleAgent(agent, '0.0.0');
  await copyFile(packaging.nativePartHere(), join(agent, 'classic-level.node'));
  await cp(checkoutFile('examples/dist/checkout'), join(dir, 'checkout'), { recursive: true });
  await writeFile(join(dir, 'package.json'), '{"type": "module"}\n');
  return {
    program: join(agent, 'dist', 'holdfast.cjs'),
    code: join(dir, 'checkout', 'workflow.js'),
  };
}
