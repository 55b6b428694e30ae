import type { OutRecord } from './record.ts';

/** An event as CloudEvents 1.0 has it, in the structured form. */
export interface CloudEvent {
  readonly specversion: '1.0';
  readonly id: string;
  readonly source: string;
  readonly type: string;
  readonly [attribute: string]: unknown;
}

const SEQUENCE_DIGITS = 16;

/** @param gateway Its name. */
export function cloudEventOf(record: OutRecord, gateway: string): CloudEvent {
  const { id, device, epoch, lane, seq, workflow, receivedAt, kind, at, run, ...more } = record;
  const { traceparent, ...fields } = more;
  return {
    specversion: '1.0',
    id,
    source: `holdfast://${gateway}/devices/${device}`,
    type: `dev.holdfast.${kind ?? 'unknown'}`,
    ...(typeof run === 'string' && run !== '' && { subject: run }),
    ...(typeof at === 'string' && { time: at }),
    datacontenttype: 'application/json',
    ...(receivedAt !== null && { recordedtime: receivedAt }),
    partitionkey: device,
    // Comparable as text, as the extension wants it.
    sequence: String(seq).padStart(SEQUENCE_DIGITS, '0'),
    lane,
    epoch,
    ...(workflow !== '' && { workflow }),
    ...(typeof traceparent === 'string' && traceparent !== '' && { traceparent }),
    data: { ...fields, ...(run !== undefined && { run }) },
  };
}

/** What a person has sent to see whether it arrives. */
export function testEvent(gateway: string, id: string, nowMs: number): CloudEvent {
  return {
    specversion: '1.0',
    id,
    source: `holdfast://${gateway}`,
    type: 'dev.holdfast.webhook.test',
    time: new Date(nowMs).toISOString(),
    datacontenttype: 'application/json',
    data: {},
  };
}
