import type { Log } from '@holdfast/protocol';
import type { AgentSurface } from './core/surface.ts';
import { createPageServer, type PageServer } from './io/page-server.ts';

/** Made by the build, beside the compiled form of this file. */
const directory = new URL('./web/', import.meta.url);

/**
 * Serves the page of this device on loopback.
 *
 * @param options.port 0: the system chooses.
 * @throws HF_PORT_TAKEN
 */
export function serveDevicePage(options: {
  readonly port: number;
  readonly surface: AgentSurface;
  readonly log: Log;
}): Promise<PageServer> {
  return createPageServer({ ...options, directory });
}
