import {
  codeOf,
  createLog,
  Exit,
  exitCodeOf,
  type HoldfastError,
  messageOf,
  type ErrorCode,
  type Log,
  wrapLine,
} from '@holdfast/protocol';
import { Agent } from '../agent.ts';
import { brokerAccess, readPassword } from './broker-access.ts';
import { loadCode, type Code } from './code-file.ts';
import type { RunOptions } from './run-options.ts';
import { tellSystemd } from './systemd.ts';
import type { Shell } from './shell.ts';

/** The time in which steps may end after a signal; a supervisor kills after a little more. */
const GRACE_MS = 10_000;

/** Runs the agent until it is told to stop, and sets the exit code. Never rejects. */
export async function runAgent(shell: Shell, options: RunOptions): Promise<void> {
  const log = createLog({
    component: 'agent',
    level: options.logLevel,
    format: options.logFormat,
    nowMs: shell.nowMs,
    write: (line) => shell.say(line),
  });
  shell.outliveReaders();
  exitOnFaults(log);
  const stopped = stopSignal(log);
  const systemd = tellSystemd(shell.env, log);
  try {
    const code = await loadCode(options.code);
    for (let isFirst = true; ; isFirst = false) {
      const agent = await open(options, code, log);
      const hide = await showInHome(options, agent, log);
      const closePage = await showPage(options, agent, log);
      if (isFirst) await sayReady(shell, options, agent);
      await systemd.ready(() => agent.surface.status());
      const failure = await Promise.race([stopped, agent.failed]);
      await systemd.stopping();
      await closePage();
      await hide();
      await close(agent, failure, log);
      // The store is whole and its life has ended: the next open begins a new epoch.
      if (!isNewLife(failure)) process.exit(failure === undefined ? Exit.ok : Exit.failed);
      log.info('going on in a new epoch');
    }
  } catch (error) {
    shell.fail(error, startFailure(error));
    // Handles of a start that failed half-way must not keep the process.
    process.exit();
  }
}

/** What is wrong with the settings must not be tried again by a supervisor. */
function startFailure(error: unknown): number {
  const exitCode = exitCodeOf(error);
  return exitCode === Exit.usage && codeOf(error) !== 'HF_USAGE' ? Exit.config : exitCode;
}

async function open(options: RunOptions, code: Code, log: Log): Promise<Agent> {
  const { dataDir, device, gateway, machine, moved, retention, socket, storeKey } = options;
  const { journalMaxBytes, diskReserveBytes, reconnectMaxMs, retentionBytes } = options;
  const { brokerProfile, metered, mqttVersion } = options;
  const agent = await Agent.open({
    ...{ dataDir, device, socket, workflows: code.workflows, log },
    // An enrolled device knows its gateway.
    ...(gateway === undefined ? {} : { gateway }),
    ...(await brokerAccess(options)),
    ...(brokerProfile === undefined ? {} : { brokerProfile }),
    ...(mqttVersion === undefined ? {} : { mqttVersion }),
    ...(machine === undefined ? {} : { machine }),
    ...(moved === true ? { isMoved: true } : {}),
    ...(retention === undefined ? {} : { retention }),
    ...(storeKey === undefined ? {} : { storeKey }),
    ...(retentionBytes === undefined ? {} : { retentionBytes }),
    ...(journalMaxBytes === undefined ? {} : { journalMaxBytes }),
    ...(diskReserveBytes === undefined ? {} : { diskReserveBytes }),
    ...(metered === undefined ? {} : { metered }),
    ...(reconnectMaxMs === undefined ? {} : { uplink: { retryMsMax: reconnectMaxMs } }),
  });
  try {
    for (const schedule of code.schedules) await agent.schedule(schedule);
    return agent;
  } catch (error) {
    await agent.close();
    throw error;
  }
}

/** Gives what ends it. */
async function showInHome(
  options: RunOptions,
  { surface }: Agent,
  log: Log,
): Promise<() => Promise<void>> {
  const { dataDir, device, homeAssistant: url, homeAssistantPasswordFile: passwordFile } = options;
  const { showInHouses } = await import('../houses.ts');
  return showInHouses({
    ...{ dataDir, device, surface, log },
    ...(url === undefined ? {} : { url }),
    ...(passwordFile === undefined ? {} : { passwordFile }),
    passwordIn: (file) => readPassword('--home-assistant-password-file', file),
  });
}

/** Gives what ends it. A port that is taken is no reason for a device to stand still. */
async function showPage(
  { pagePort: port }: RunOptions,
  { surface }: Agent,
  log: Log,
): Promise<() => Promise<void>> {
  if (port === undefined) return () => Promise.resolve();
  try {
    const { serveDevicePage } = await import('../device-page.ts');
    const page = await serveDevicePage({ port, surface, log });
    log.info('the page of this device is served', { url: page.url });
    return () => page.close();
  } catch (error) {
    log.error('there is no page of this device', { error: messageOf(error) });
    return () => Promise.resolve();
  }
}

async function sayReady(shell: Shell, { socket, isJson }: RunOptions, agent: Agent): Promise<void> {
  const { device, epoch } = await agent.surface.status();
  const { pid } = process;
  const text = `ready: device ${device}, epoch ${epoch}, pid ${pid}, socket ${socket}`;
  shell.print(
    isJson
      ? JSON.stringify({ schema: 'holdfast.ready/1', pid, socket, device, epoch })
      : wrapLine(text, shell.width, 2),
  );
}

const newLifeCodes: ReadonlySet<unknown> = new Set<ErrorCode>([
  'HF_JOURNAL_REWOUND',
  'HF_CHAIN_BROKEN',
]);

function isNewLife(failure: HoldfastError | undefined): boolean {
  return newLifeCodes.has(failure?.code);
}

/** Closes in order, or ends the process where that does not come to an end. */
async function close(agent: Agent, failure: HoldfastError | undefined, log: Log): Promise<void> {
  // A step that does not end by its signal must not keep the supervisor waiting.
  const grace = setTimeout(() => {
    log.error('not closed in time; what was journaled is safe', { graceMs: GRACE_MS });
    process.exit(Exit.failed);
  }, GRACE_MS);
  if (failure !== undefined) {
    log.error(failure.message, { code: failure.code, hint: failure.hint });
  }
  await agent.close();
  clearTimeout(grace);
  if (failure === undefined) log.info('closed');
}

/** Resolves at the first SIGTERM or SIGINT; the second ends the process at once. */
function stopSignal(log: Log): Promise<undefined> {
  return new Promise((resolve) => {
    let isStopping = false;
    const onSignal = (signal: NodeJS.Signals) => {
      if (isStopping) process.exit(Exit.interrupted);
      isStopping = true;
      log.info('closing', { signal });
      resolve(undefined);
    };
    process.on('SIGTERM', onSignal);
    process.on('SIGINT', onSignal);
  });
}

/** After a fault nobody foresaw, only what the disk holds is trusted: start again from there. */
function exitOnFaults(log: Log): void {
  const onFault = (error: unknown) => {
    log.error('a fault that nothing handles', {
      error: error instanceof Error ? (error.stack ?? messageOf(error)) : messageOf(error),
    });
    process.exit(Exit.bug);
  };
  process.on('uncaughtException', onFault);
  process.on('unhandledRejection', onFault);
}
