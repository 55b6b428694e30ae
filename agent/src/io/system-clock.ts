import { readFileSync } from 'node:fs';
import { assert, type Clock } from '@holdfast/protocol';

/** Node fires a longer timeout after 1 ms. */
const TIMEOUT_MS_MAX = 2 ** 31 - 1;
/** Node's timeouts stand still while the machine is suspended: it is looked at that often. */
const LOOK_MS = 30_000;
/** By how much wall and monotonic time come apart before it is looked for the reason. */
const APART_MS = 500;

/** The clocks of a machine as they are. */
export interface RawClocks {
  wallMs(): number;
  /** Stands still while the machine is suspended. */
  monoMs(): number;
  /** Time since the machine was started, suspended or not; `undefined`: nobody can tell. */
  uptimeMs(): number | undefined;
}

interface Wake {
  readonly dueMs: number;
  readonly wake: () => void;
  readonly isPatient: boolean;
  timeout: NodeJS.Timeout | undefined;
}

/**
 * A clock whose monotonic time counts the time for which the machine was suspended, and whose
 * wake-ups come soon after it. A wake-up that is awaited keeps the process alive until it came or
 * was cancelled: an agent whose runs all sleep must not end.
 */
export class SystemClock implements Clock {
  readonly #raw: RawClocks;
  readonly #wakes = new Set<Wake>();
  /** Time that the monotonic clock of the system has not counted. */
  #suspendedMs: number;
  #gapMs: number;
  #looking: NodeJS.Timeout | undefined;

  constructor(raw: RawClocks) {
    this.#raw = raw;
    const suspendedMs = this.#measure() ?? 0;
    // What is read from the kernel is cut to hundredths of a second.
    this.#suspendedMs = Math.abs(suspendedMs) < APART_MS ? 0 : suspendedMs;
    this.#gapMs = raw.wallMs() - raw.monoMs();
  }

  nowMs(): number {
    return this.#raw.wallMs();
  }

  monoMs(): number {
    const monoMs = this.#raw.monoMs();
    const gapMs = this.#raw.wallMs() - monoMs;
    // A suspension moves the wall clock, as setting it does; which of the two it was, uptime tells.
    if (Math.abs(gapMs - this.#gapMs) > APART_MS) this.#look(gapMs);
    return monoMs + this.#suspendedMs;
  }

  wakeIn(delayMs: number, wake: () => void, patience?: 'patient'): () => void {
    assert(!Number.isNaN(delayMs), 'a delay is a number');
    const dueMs = this.monoMs() + delayMs;
    const isPatient = patience === 'patient';
    const awaited: Wake = { dueMs, wake, isPatient, timeout: undefined };
    this.#wakes.add(awaited);
    this.#arm(awaited);
    if (!isPatient) this.#looking ??= setInterval(() => this.monoMs(), LOOK_MS).unref();
    return () => {
      this.#wakes.delete(awaited);
      clearTimeout(awaited.timeout);
      this.#rest();
    };
  }

  #arm(awaited: Wake): void {
    const restMs = awaited.dueMs - (this.#raw.monoMs() + this.#suspendedMs);
    const timeoutMs = Math.min(Math.max(0, Math.ceil(restMs)), TIMEOUT_MS_MAX);
    clearTimeout(awaited.timeout);
    awaited.timeout = setTimeout(() => {
      // Also a single timeout may come up to a millisecond early.
      if (this.monoMs() < awaited.dueMs) return this.#arm(awaited);
      this.#wakes.delete(awaited);
      this.#rest();
      awaited.wake();
    }, timeoutMs);
  }

  /** Where nobody is in a hurry, an idle process sleeps. */
  #rest(): void {
    if (this.#looking === undefined) return;
    for (const { isPatient } of this.#wakes) if (!isPatient) return;
    clearInterval(this.#looking);
    this.#looking = undefined;
  }

  #look(gapMs: number): void {
    this.#gapMs = gapMs;
    const suspendedMs = this.#measure();
    // What was read earlier than the other clock is short by that: never too long.
    if (suspendedMs === undefined || suspendedMs <= this.#suspendedMs + APART_MS / 2) return;
    this.#suspendedMs = suspendedMs;
    for (const awaited of this.#wakes) this.#arm(awaited);
  }

  #measure(): number | undefined {
    const uptimeMs = this.#raw.uptimeMs();
    return uptimeMs === undefined ? undefined : uptimeMs - this.#raw.monoMs();
  }
}

/** What Linux calls the boot it is in; empty where there is no such name. */
export const machineBoot = readText('/proc/sys/kernel/random/boot_id')?.trim() ?? '';

/**
 * The clock of this machine. Its monotonic time is that of the boot, the same in each process: a
 * sleep that one began and another ends is not a moment too short.
 */
export const systemClock: Clock = new SystemClock({
  wallMs: () => Date.now(),
  monoMs: () => Number(process.hrtime.bigint()) / 1e6,
  // CLOCK_BOOTTIME, which Node does not give.
  uptimeMs: () => (machineBoot === '' ? undefined : parseUptimeMs(readText('/proc/uptime'))),
});

function parseUptimeMs(text: string | undefined): number | undefined {
  const seconds = Number.parseFloat(text ?? '');
  return Number.isFinite(seconds) ? seconds * 1_000 : undefined;
}

function readText(path: string): string | undefined {
  try {
    return readFileSync(path, 'latin1');
  } catch {
    return undefined;
  }
}
