import { displayValue, type Command } from '@holdfast/protocol';
import { rfc3339 } from './entry-view.ts';
import type { DeviceCommandsView, DeviceCommandView } from './fleet-views.ts';
import type { DeviceRecord, Ledger } from './ledger.ts';

/** Results of calls are commands, too, and far more than what people issue. */
const LOOKED_MAX = 1_000;

/** What people and programs told a device to do, among its newest commands; the newest first. */
export async function readDeviceCommands(
  ledger: Pick<Ledger, 'commands' | 'dispatch' | 'dispatched'>,
  { device, lastCommand }: DeviceRecord,
  limit: number,
): Promise<Omit<DeviceCommandsView, 'at'>> {
  const after = Math.max(0, lastCommand - LOOKED_MAX);
  const newest = await ledger.commands({ device, after, limit: LOOKED_MAX });
  const issued = newest.filter(isIssued).toReversed().slice(0, limit);
  const views = await Promise.all(issued.map((command) => commandView(ledger, device, command)));
  const commands = views.filter((view) => view !== undefined);
  return { schema: 'holdfast.device-commands/1', device, commands };
}

/** The answer to a call is none, and one that is kept no more has no id. */
function isIssued({ kind, key }: Command): boolean {
  return key !== '' && kind !== 'call.completed' && kind !== 'call.failed';
}

async function commandView(
  ledger: Pick<Ledger, 'dispatch' | 'dispatched'>,
  device: string,
  { number, kind, run, name, payload, expiresAtMs, key: id }: Command,
): Promise<DeviceCommandView | undefined> {
  const [dispatch, { commands }] = await Promise.all([
    ledger.dispatch(id),
    ledger.dispatched({ id, device, limit: 1 }),
  ]);
  const [became] = commands;
  if (dispatch === undefined || became === undefined) return undefined;
  const { outcome, reason, settledAtMs } = became;
  return {
    ...{ number, id, kind, run: run || null, name: name || null },
    payload: payload.byteLength === 0 ? null : displayValue(payload),
    ...{ issuedAt: rfc3339(dispatch.issuedAtMs), by: dispatch.by, expiresAt: rfc3339(expiresAtMs) },
    ...{ outcome, reason, settledAt: rfc3339(settledAtMs) },
  };
}
