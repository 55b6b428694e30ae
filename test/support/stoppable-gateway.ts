import { Gateway } from '@holdfast/gateway';
import { codeOf, messageOf } from '@holdfast/protocol';

/**
 * A gateway as a process for tests to kill.
 *
 *   stoppable-gateway DIR [POINT]
 *
 * Prints the URL for devices once they can connect. Reaching POINT it prints `at POINT` and stops
 * there until it is killed.
 */
const [dataDir = '', stopAt = ''] = process.argv.slice(2);

function print(line: string): void {
  process.stdout.write(`${line}\n`);
}

function point(name: string): Promise<void> | void {
  if (name !== stopAt) return;
  print(`at ${name}`);
  return new Promise(() => {});
}

try {
  const gateway = await Gateway.open({ dataDir, mqttPort: 0, point });
  print(gateway.mqttUrl);
} catch (error) {
  print(codeOf(error) ?? messageOf(error));
}
