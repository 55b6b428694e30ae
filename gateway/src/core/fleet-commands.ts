import { HoldfastError, NO_BYTES, displayValue, encodeValue, type Clock } from '@holdfast/protocol';
import { TO_LENGTH_MAX, type Dispatch, type Instruction, type Tag } from './dispatch.ts';
import { readDeviceCommands } from './device-commands.ts';
import { rfc3339 } from './entry-view.ts';
import type { CommandProgress, Fleet, IssueQuery, Target } from './fleet-views.ts';
import type { Ledger } from './ledger.ts';
import type { DeviceLive } from './live.ts';

interface CommandsOptions {
  readonly ledger: Ledger;
  readonly clock: Pick<Clock, 'nowMs'>;
  /** A command was issued for this device. */
  readonly issued: (device: string) => void;
  /** How devices are that were heard of; empty: no gateway runs. */
  readonly live: () => readonly DeviceLive[];
}

type CommandMethods =
  | 'tag'
  | 'issue'
  | 'commands'
  | 'command'
  | 'commandDevices'
  | 'deviceCommands';

/** Devices in one transaction, and the bytes of their commands. */
const PAGE_DEVICES = 1_000;
const PAGE_BYTES = 4 * 1024 * 1024;

/** What the fleet offers to those who tell devices what to do. */
export function createCommands(options: CommandsOptions): Pick<Fleet, CommandMethods> {
  const { ledger, clock } = options;
  const offline = () => offlineOf(options.live());
  const now = () => rfc3339(clock.nowMs()) ?? '';
  const dispatchOf = async (id: string): Promise<Dispatch> => {
    const dispatch = await ledger.dispatch(id);
    if (dispatch !== undefined) return dispatch;
    throw new HoldfastError('HF_COMMAND_UNKNOWN', { why: id });
  };
  return {
    async tag(device, tags) {
      const record = await ledger.tag({ device, tags: tagsOf(tags) });
      if (record === undefined) throw new HoldfastError('HF_DEVICE_UNKNOWN', { why: device });
      return { schema: 'holdfast.tagged/1', at: now(), device, tags: tagsView(record.tags) };
    },
    async issue(query) {
      const dispatch = await dispatchOf(await issue(options, query));
      return { schema: 'holdfast.command/1', at: now(), ...progressView(dispatch, offline()) };
    },
    async commands({ before, limit }) {
      const found = await ledger.dispatches({ before, limit });
      const next = found.length < limit ? null : (found.at(-1)?.ordinal ?? null);
      const away = offline();
      const commands = found.map((dispatch) => progressView(dispatch, away));
      return { schema: 'holdfast.commands/1', at: now(), commands, next };
    },
    async command(id) {
      const view = progressView(await dispatchOf(id), offline());
      return { schema: 'holdfast.command/1', at: now(), ...view };
    },
    async commandDevices(query) {
      const { id } = await dispatchOf(query.id);
      const { commands, next } = await ledger.dispatched(query);
      const away = offline();
      const devices = commands.map(({ settledAtMs, ...each }) => {
        const offlineSince = each.outcome === 'waiting' ? (away.get(each.device) ?? null) : null;
        return { ...each, settledAt: rfc3339(settledAtMs), offlineSince };
      });
      const at = now();
      return { schema: 'holdfast.command-devices/1', at, id, devices, next: next ?? null };
    },
    async deviceCommands({ device, limit }) {
      const record = await ledger.device(device);
      if (record === undefined) throw new HoldfastError('HF_DEVICE_UNKNOWN', { why: device });
      return { ...(await readDeviceCommands(ledger, record, limit)), at: now() };
    },
  };
}

/** In pages, so that no transaction grows with the fleet: what is cut short can be gone on with. */
async function issue(options: CommandsOptions, query: IssueQuery): Promise<string> {
  const { ledger, issued } = options;
  const dispatch = instructionOf(options, query);
  const bytes = Math.floor(PAGE_BYTES / (1_024 + dispatch.payload.byteLength));
  const size = Math.max(1, Math.min(PAGE_DEVICES, bytes));
  let after: string | undefined;
  do {
    const { devices, next } = await targetPage(ledger, query.to, { after, limit: size });
    const isLast = next === undefined;
    if (!(await ledger.issue({ dispatch, devices, isLast }))) {
      throw new HoldfastError('HF_COMMAND_CONFLICT', { why: dispatch.id });
    }
    for (const device of devices) issued(device);
    after = next;
  } while (after !== undefined);
  return dispatch.id;
}

function instructionOf({ clock }: CommandsOptions, query: IssueQuery): Instruction {
  const { id, kind, to, name = '', by, expiresAt } = query;
  const run = query.run ?? (kind === 'run.start' ? id : '');
  const expiresAtMs = expiresAt === null ? 0 : Date.parse(expiresAt);
  const issuedAtMs = clock.nowMs();
  const payload = payloadOf(query);
  return { id, kind, run, name, payload, expiresAtMs, issuedAtMs, by, to: targetText(to) };
}

function payloadOf({ kind, payload }: IssueQuery): Uint8Array {
  const isEmpty = kind === 'run.resume' || kind === 'key.rotate';
  return isEmpty ? NO_BYTES : encodeValue(payload, 'payload');
}

function targetText(to: Target): string {
  if ('device' in to) return to.device;
  if ('all' in to) return 'all devices';
  const tags = Object.entries(to.tags).map(([name, value]) => `${name}=${value}`);
  return tags.join(', ').slice(0, TO_LENGTH_MAX);
}

/** Those that are known by now: a device that comes later is given nothing. */
async function targetPage(
  ledger: Ledger,
  to: Target,
  page: { readonly after: string | undefined; readonly limit: number },
): Promise<{ readonly devices: readonly string[]; readonly next: string | undefined }> {
  if ('device' in to) {
    const record = await ledger.device(to.device);
    if (record !== undefined) return { devices: [to.device], next: undefined };
    throw new HoldfastError('HF_DEVICE_UNKNOWN', { why: to.device });
  }
  const tags = 'all' in to ? [] : tagsOf(to.tags);
  const { records, next } = await ledger.devices({ ...page, tags });
  return { devices: records.map(({ device }) => device), next };
}

export function tagsOf(tags: Readonly<Record<string, string>>): readonly Tag[] {
  return Object.entries(tags).map(([name, value]) => ({ name, value }));
}

export function tagsView(tags: readonly Tag[]): Readonly<Record<string, string>> {
  return Object.fromEntries(tags.map(({ name, value }) => [name, value]));
}

/** When devices that are offline were heard last. */
function offlineOf(live: readonly DeviceLive[]): ReadonlyMap<string, string> {
  const away = live.filter(({ state }) => state === 'offline');
  return new Map(
    away.flatMap(({ device, lastSeenAtMs }) => {
      const at = rfc3339(lastSeenAtMs);
      return at === null ? [] : [[device, at]];
    }),
  );
}

function progressView(
  dispatch: Dispatch,
  offline: ReadonlyMap<string, string>,
): CommandProgress {
  const { id, kind, to, by, payload, counts } = dispatch;
  const { waiting, applied, expired, rejected } = counts;
  const issued = waiting + applied + expired + rejected;
  return {
    ...{ id, kind, to, run: dispatch.run || null, name: dispatch.name || null },
    payload: payload.byteLength === 0 ? null : displayValue(payload),
    issuedAt: rfc3339(dispatch.issuedAtMs),
    by,
    expiresAt: rfc3339(dispatch.expiresAtMs),
    complete: dispatch.isComplete,
    offlineSince: waiting > 0 ? (offline.get(to) ?? null) : null,
    devices: { issued, waiting, applied, expired, rejected },
  };
}
