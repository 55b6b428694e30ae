import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));

function docker(...args) {
  return execFileSync('docker', args, { cwd: root, encoding: 'utf8', timeout: 900_000 }).trim();
}

/** Whether there is an engine to build with; the program alone is not one. */
export function hasEngine() {
  try {
    docker('info', '--format', '{{.ID}}');
    return true;
  } catch {
    return false;
  }
}

/** Builds the image, and waits until a gateway made of it says that it is healthy. */
export async function checkImage(check) {
  const tag = 'holdfast-gateway:check';
  docker('build', '--file', 'packaging/gateway/Dockerfile', '--tag', tag, '.');
  const id = docker('run', '--detach', '--rm', tag);
  try {
    for (let second = 0; second < 60; second += 1) {
      if (docker('inspect', '--format', '{{.State.Health.Status}}', id) === 'healthy') break;
      await new Promise((done) => setTimeout(done, 1_000));
    }
    const health = docker('inspect', '--format', '{{.State.Health.Status}}', id);
    check('image: a gateway made of it is healthy', health === 'healthy', health);
  } finally {
    docker('stop', id);
  }
}
