import { HoldfastError, checkName, encodeThrown } from '@holdfast/protocol';
import { signal } from './signal.ts';
import {
  workflow,
  type Context,
  type StepInfo,
  type StepOptions,
  type Workflow,
} from './workflow.ts';

/** What a command of an entity gives: its next state, and what its caller is told. */
export interface EntityChange<S, R> {
  readonly state: S;
  readonly result: R;
}

/** Changes the state of one entity. Runs as a step: it may have effects, and is retried. */
export type EntityCommand<S, A, R> = (
  state: S,
  argument: A,
  info: StepInfo,
) => EntityChange<S, R> | Promise<EntityChange<S, R>>;

// The argument and the result of each command are its own; what is common is the state.
export type EntityCommands<S> = Readonly<Record<string, EntityCommand<S, never, unknown>>>;

/** How commands are repeated, and whether all of it stays on the device. */
export interface EntityOptions {
  /** How a command that throws is repeated. Default: as a step. The ones behind it wait. */
  readonly step?: Omit<StepOptions, 'local' | 'redact'>;
  /** Its state, and what its commands are given and give, stay on the device. Default: no. */
  readonly local?: boolean;
}

/** Keyed state with one writer. Register it with `Agent.open({ workflows: [it] })`. */
export interface Entity<S, C extends EntityCommands<S>> extends Workflow<EntityInput<S>, unknown> {
  readonly initial: (key: string) => S;
  readonly commands: C;
}

export interface EntityInput<S> {
  readonly state: S;
  /** Replies of the last commands, so that one that is sent again is not executed again. */
  readonly recent: readonly EntityReply[];
}

/** What is sent to an entity: the payload of its signals. */
export interface EntityRequest {
  readonly id: string;
  readonly command: string;
  readonly argument: unknown;
}

/** What the caller of a command is told. `error`: encoded. */
export type EntityReply =
  | { readonly id: string; readonly result: unknown }
  | { readonly id: string; readonly error: Uint8Array };

/** What the journal has of a command that was executed. */
export type EntityStep<S> = EntityReply & { readonly state: S };

export const ENTITY_SIGNAL = 'entity command';

/** Commands until the history is begun anew: keeps replay short. */
const COMMANDS_A_HISTORY = 200;
const RECENT_MAX = 64;

/**
 * Defines keyed state on the device: a cart, a machine, a daily total.
 *
 * Each key has one writer: commands are executed one at a time, in the order they were accepted in,
 * and survive restarts. The state is journaled with each command, so keep it small.
 *
 * @param definition.initial The state of a key that nobody has touched; the same at each call.
 */
export function entity<S, C extends EntityCommands<S>>(
  name: string,
  definition: { readonly initial: (key: string) => S; readonly commands: C } & EntityOptions,
): Entity<S, C> {
  const { initial, commands, local = false } = definition;
  const step = { ...definition.step, local };
  for (const command of Object.keys(commands)) checkName('command', command);
  const requests = signal<EntityRequest>(ENTITY_SIGNAL, { local });
  const body = async (ctx: Context, input: EntityInput<S>): Promise<unknown> => {
    let { state } = input;
    let { recent } = input;
    for (let count = 0; count < COMMANDS_A_HISTORY; count += 1) {
      const request = await ctx.waitFor(requests);
      const known = recent.find((reply) => reply.id === request.id);
      const done = await execute(ctx, { commands, step, state, request, known });
      state = done.state;
      const { state: _, ...reply } = done;
      recent = known === undefined ? [...recent, reply].slice(-RECENT_MAX) : recent;
    }
    return ctx.continueAsNew({ state, recent });
  };
  const options = { signals: [requests], marks: { input: { local } } };
  return Object.freeze({ ...workflow(name, body, options), initial, commands });
}

async function execute<S>(
  ctx: Context,
  work: {
    readonly commands: EntityCommands<S>;
    readonly step: StepOptions;
    readonly state: S;
    readonly request: EntityRequest;
    readonly known: EntityReply | undefined;
  },
): Promise<EntityStep<S>> {
  const { commands, state, request, known } = work;
  const { id } = request;
  const { local = false } = work.step;
  if (known !== undefined) return ctx.step('repeated', () => ({ ...known, state }), { local });
  const command = Object.hasOwn(commands, request.command) ? commands[request.command] : undefined;
  try {
    return await ctx.step(
      request.command,
      async (info): Promise<EntityStep<S>> => {
        if (command === undefined) throw unknownCommand(ctx.workflow, request.command);
        // The argument was checked against the command's own type where it was sent.
        const change = await command(state, request.argument as never, info);
        return { id, state: change.state, result: change.result };
      },
      work.step,
    );
  } catch (error) {
    return ctx.step('refused', () => ({ id, state, error: encodeThrown(error) }), { local });
  }
}

function unknownCommand(name: string, command: string): HoldfastError {
  return new HoldfastError('HF_WORKFLOW_UNKNOWN', { why: `${name} has no command ${command}` });
}
