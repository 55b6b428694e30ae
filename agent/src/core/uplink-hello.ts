import {
  PROTOCOL_VERSION,
  PROTOCOL_VERSION_MIN,
  eachLane,
  laneIndex,
  type Clock,
  type Message,
  type Signer,
} from '@holdfast/protocol';
import type { UplinkJournal, UplinkRuntime } from './uplink-ports.ts';

export interface HelloParts {
  readonly journal: UplinkJournal;
  readonly runtime: UplinkRuntime;
  readonly clock: Clock;
  readonly signer: Signer;
  readonly device: string;
  readonly agentVersion: string;
  readonly incarnation: Uint8Array;
  readonly session: Uint8Array;
  readonly machine: Uint8Array;
}

/** The hello of a new session: who this is, and where its journal stands now. */
export function helloOf(parts: HelloParts): Message {
  const { journal, runtime, clock, signer, ...identity } = parts;
  const { device, agentVersion, incarnation, session, machine } = identity;
  const positions = journal.positions();
  return {
    kind: 'hello',
    protocolMin: PROTOCOL_VERSION_MIN,
    protocolMax: PROTOCOL_VERSION,
    device,
    epoch: journal.epoch,
    incarnation,
    session,
    agentVersion,
    publicKey: signer.publicKey,
    lanes: eachLane((lane) => positions[laneIndex(lane)]),
    lastCommand: runtime.lastCommand(),
    sentAtMs: Math.floor(clock.nowMs()),
    machine,
    boot: journal.boot,
    monoMs: Math.floor(clock.monoMs()),
  };
}
