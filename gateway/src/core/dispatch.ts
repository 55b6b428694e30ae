import type { Command, CommandKind } from '@holdfast/protocol';

/** Says something of a device, for people and for commands that go to all that have it. */
export interface Tag {
  readonly name: string;
  readonly value: string;
}

export const TAGS_MAX = 32;
/** Characters of the name and of the value of a tag. */
export const TAG_LENGTH_MAX = 64;
/** Characters of the words for whom a dispatch is meant. */
export const TO_LENGTH_MAX = 512;

/**
 * Kinds of commands that people and programs issue; results of calls are issued by handlers, and
 * nobody issues `void`.
 */
export type InstructionKind = Exclude<CommandKind, 'call.completed' | 'call.failed' | 'void'>;

/** What becomes of a command. `waiting`: its receipt has not come. */
export const outcomes = ['waiting', 'applied', 'expired', 'rejected'] as const;
export type Outcome = (typeof outcomes)[number];

/** One instruction, before it is a command of each device. */
export interface Instruction extends Pick<Command, 'run' | 'name' | 'payload' | 'expiresAtMs'> {
  /** Names it for good: under one id a device gets a command once. */
  readonly id: string;
  readonly kind: InstructionKind;
  readonly issuedAtMs: number;
  readonly by: string;
  /** Whom it is meant for, in words. */
  readonly to: string;
}

export interface DispatchOrder {
  readonly dispatch: Instruction;
  readonly devices: readonly string[];
  /** No further devices follow. */
  readonly isLast: boolean;
}

/** What was issued under one id, to one device or many, and how far it is. */
export interface Dispatch extends Omit<Instruction, 'kind'> {
  readonly kind: CommandKind;
  /** Later ones are higher. */
  readonly ordinal: number;
  /** False: it was cut short; to issue it again goes on. */
  readonly isComplete: boolean;
  /** On how many devices what became of it. */
  readonly counts: Readonly<Record<Outcome, number>>;
}

/** The command of one device in a dispatch. */
export interface DispatchedCommand {
  readonly device: string;
  readonly number: number;
  readonly outcome: Outcome;
  /** Why it was not applied, in words. */
  readonly reason: string;
  /** When its receipt arrived; 0: it has not. */
  readonly settledAtMs: number;
}

/** Whether a device has all of these tags. */
export function hasTags(has: readonly Tag[], wanted: readonly Tag[]): boolean {
  return wanted.every(({ name, value }) =>
    has.some((tag) => tag.name === name && tag.value === value),
  );
}
