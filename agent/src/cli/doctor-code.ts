import { statSync } from 'node:fs';
import { resolve } from 'node:path';
import { found, type Finding } from '../core/finding.ts';
import type { AgentReader } from '../core/surface.ts';
import type { FoundSettings } from './settings.ts';

/** Whether open runs fit the code that the settings name. Empty: they name none. */
export async function codeFindings(
  settings: FoundSettings | undefined,
  agent: AgentReader,
): Promise<readonly Finding[]> {
  const file = settings?.get('code')?.value;
  if (file === undefined) return [];
  if (isUnsafe(file)) {
    const text = `${resolve(file)} may be changed by others than root, so root does not run it`;
    return [found('code', 'skipped', text, 'Try again as the user of the agent.')];
  }
  const { checkCode } = await import('../check-code.ts');
  const { loadCode } = await import('./code-file.ts');
  const { workflows } = await loadCode(file);
  return checkCode(agent, workflows);
}

/** Root must not run what somebody else may have written. */
function isUnsafe(file: string): boolean {
  if (process.getuid?.() !== 0) return false;
  const { uid, mode } = statSync(file, { throwIfNoEntry: false }) ?? { uid: 0, mode: 0 };
  return uid !== 0 || (mode & 0o022) !== 0;
}

/** Ends once all is printed: what that code keeps open, such as a timer, is not waited for. */
export function endWithoutCode(): void {
  setTimeout(() => process.stdout.write('', () => process.exit()), 0).unref();
}
