import { execFile } from 'node:child_process';
import { promisify } from 'node:util';

/**
 * Bytes that a process has sent on its connections to a port that are open now, as the kernel
 * counts them: what TCP carries, without its own headers. Needs `ss` of iproute2; `undefined`: it
 * is not there.
 */
export async function sentBytes(pid: number, port: number): Promise<number | undefined> {
  const args = ['--tcp', '--info', '--numeric', '--processes', '--no-header', '--oneline'];
  const command = promisify(execFile)('ss', [...args, 'dst', `:${port}`]);
  const seen = await command.catch(() => undefined);
  const own = seen?.stdout.split('\n').filter((line) => line.includes(`pid=${pid},`));
  return own?.reduce((sum, line) => sum + Number(/bytes_sent:(\d+)/.exec(line)?.[1] ?? 0), 0);
}
