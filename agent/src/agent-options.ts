import type {
  BrokerProfileName,
  Duration,
  Log,
  MqttVersion,
  Point,
  Tracer,
} from '@holdfast/protocol';
import type { OverlapPolicy } from './core/schedule.ts';
import type { ConflictPolicy, ReusePolicy } from './core/start-policies.ts';
import type { UplinkLimits } from './core/uplink-state.ts';
import type { RunState } from './core/views.ts';
import type { Workflow } from './core/workflow.ts';
import type { HttpProxy } from './core/proxy-address.ts';
import type { TlsOptions } from './io/broker-socket.ts';

/** Options of an agent. What is not given has the default that is named. */
export interface AgentOptions {
  /** Directory of the journal and the identity; made if it is missing. One agent at a time. */
  readonly dataDir: string;
  /** Identity of the device, `[A-Za-z0-9_-]{1,64}`. Needed the first time; then it must match. */
  readonly device?: string;
  /**
   * What tells this machine from others. A data directory that wakes up on another machine begins a
   * new epoch: it may be a copy. Default: a hash of the board's serial number, or else of the
   * machine id and the address of a network card. Give a name where these change under an agent,
   * as in containers; `none` looks at nothing.
   */
  readonly machine?: string;
  /** The data directory was brought here from another machine: it goes on in its epoch. */
  readonly isMoved?: boolean;
  readonly workflows: readonly Workflow<never, unknown>[];
  /**
   * `mqtt://host:port` or `mqtts://host:port`; by WebSocket `ws://host:port/path` or `wss://…`.
   * Default: none; everything stays on the device.
   */
  readonly gateway?: string;
  /** Whose limits the broker at that address has. Default `generic`: what every broker takes. */
  readonly brokerProfile?: BrokerProfileName;
  /** The MQTT that is spoken with it. Default `3.1.1`, which every broker speaks. */
  readonly mqttVersion?: MqttVersion;
  /** PEM texts for mqtts and wss: what to trust, and what to show. */
  readonly tls?: TlsOptions;
  /** Through which the gateway is reached, for enrolled devices also its API. Default: none. */
  readonly proxy?: HttpProxy;
  /** For a broker that wants one; the user name is the id of the device. */
  readonly password?: string;
  /**
   * Encrypts what is journaled with AES-256-GCM: the path of a file with a key of 32 bytes, or
   * those. From the first start on it must be given: without it nobody can read the store any more.
   * Default: what is journaled lies open to whoever has the disk.
   */
  readonly storeKey?: string | Uint8Array;
  /**
   * How long entries of ended runs are kept. With a gateway, or one that was there once, none that
   * its ledger lacks is deleted, however long it is away. Default 7 days.
   */
  readonly retention?: Duration;
  /**
   * What those that the ledger has may take, bytes: above it the oldest of ended runs go, however
   * young they are. Default a quarter of `journalMaxBytes`.
   */
  readonly retentionBytes?: number;
  /**
   * What the entries that are kept may take on the disk, bytes, at least 1 MiB; LevelDB's files
   * take more until they are compacted. Default 1 GiB. Near it, acknowledged entries of ended runs
   * go whatever the retention says, then the oldest events of the lane `bulk`; a sixteenth of it,
   * at most 8 MiB, is a reserve for runs that are open.
   */
  readonly journalMaxBytes?: number;
  /**
   * What is to stay free on the disk, bytes: with less, new work is refused, and runs that are open
   * go on. Default a sixteenth of the file system, at most 64 MiB; 0: nothing.
   */
  readonly diskReserveBytes?: number;
  /** Default: nothing is logged. */
  readonly log?: Log;
  /**
   * What steps can wait for by name, besides `online`, `reachable(host:port)`, and `unmetered`:
   * online, and no `metered` is set. One of these names takes the place of what is built in.
   */
  readonly conditions?: Readonly<Record<string, ConditionCheck>>;
  /** Bodies of steps that are at work at a time; runs take turns for the rest. Default 64. */
  readonly stepsAtOnce?: number;
  /** When, and for how many bytes, a link that costs is used. Default: at any time, for any. */
  readonly metered?: MeteredOptions;
  /** Times of the uplink; the defaults suit cellular links. */
  readonly uplink?: Partial<UplinkLimits>;
  /**
   * Where the command line and other programs on this machine reach the agent: the path of a Unix
   * socket, at most 107 bytes; `true`: `agent.sock` in the data directory. Default: nowhere.
   */
  readonly socket?: string | true;
  /** Takes spans of runs, attempts of steps, calls and signals. Default: none are made. */
  readonly tracer?: Tracer;
  /** A place for simulated crashes. Default: does nothing. */
  readonly point?: Point;
}

/** A link that costs: by satellite, by a SIM with few megabytes. */
export interface MeteredOptions {
  /** Bytes both ways, below TLS, in a day or a month of UTC. Default: as many as there are. */
  readonly budget?: { readonly bytes: number; readonly per: 'day' | 'month' };
  /**
   * The link is used from each slot of `cron` on, for so long. Default: at any time. `timezone` as
   * for schedules.
   */
  readonly windows?: readonly {
    readonly cron: string;
    readonly for: Duration;
    readonly timezone?: string;
  }[];
  /** The urgent lane (calls, receipts, alarms) goes at any time and beyond the budget. Default. */
  readonly urgent?: boolean;
}

/** Whether a condition holds now. Called while a step waits for it. A throw means no. */
export interface ConditionCheck {
  readonly check: () => boolean | Promise<boolean>;
  /** Default 5 s. */
  readonly every?: Duration;
}

/** Which run it is to be, and what is done where there is one. */
export interface StartOptions {
  /** Default: a new id. */
  readonly id?: string;
  /**
   * Whom the run is about, such as `customer-42`: whatever leaves of its values can be erased later
   * by this. It is no part of any entry. Default: nobody.
   */
  readonly subject?: string;
  /**
   * When a run with this id has not ended. `attach`: it is that run, if workflow and input are the
   * same. `reject`: HF_RUN_CONFLICT. `terminate`: that one ends as cancelled, none of its code
   * runs any more, and the new one begins, in one commit. Default `attach`.
   */
  readonly onConflict?: ConflictPolicy;
  /**
   * When the run with this id has ended, and was not purged yet. `attach`: it is that run, if
   * workflow and input are the same. `reject`: HF_RUN_CONFLICT. `failed-only`: a new run begins
   * unless that one completed. `allow-duplicate`: a new run begins. Default `attach`.
   */
  readonly reuse?: ReusePolicy;
  /**
   * Place in a trace of whoever starts it [W3C Trace Context]: the run's span is a child of that.
   * One that is not well formed counts as none.
   */
  readonly traceparent?: string;
}

/** Which runs are asked for: those for which all of it holds. */
export interface RunsFilter {
  /** Those that have ended, too. Default `false`; not looked at when `state` is given. */
  readonly all?: boolean;
  /** In this state, or in one of these. */
  readonly state?: RunState | readonly RunState[];
  /** Name of the workflow. */
  readonly workflow?: string;
  /** What their ids begin with. */
  readonly prefix?: string;
  /** Started at this time or after it, before that one. Numbers are ms since 1970. */
  readonly since?: Date | number;
  readonly until?: Date | number;
  /** At most that many, ≥ 1. Default 100. */
  readonly limit?: number;
  /** `next` of the page before. Default: the first page. */
  readonly cursor?: string;
}

/** When runs are started, of what, and what is done with slots that were missed. */
export interface ScheduleOptions<I = unknown> {
  /**
   * Five or six fields, for example every five minutes: `*\/5 * * * *`; or `@daily` and its like.
   * With hours, it means these times of the day; without, every so many minutes.
   */
  readonly cron: string;
  readonly workflow: string | Workflow<I, unknown>;
  readonly input?: NoInfer<I>;
  /** Begins the ids of the runs it starts. Default: the name of the workflow. */
  readonly id?: string;
  /** IANA name. Default UTC, where no hour is left out or comes twice. */
  readonly timezone?: string;
  /**
   * What becomes of slots that came while the device was off, slept, or was set forward over them:
   * `latest` (default) starts one run for the newest of them, `all` one for each of the newest 256,
   * `skip` none. A slot is missed when it is more than a minute late. Those that are passed over
   * are journaled as `schedule.skipped`.
   */
  readonly missed?: 'skip' | 'latest' | 'all';
  /** Missed slots that are older are passed over. Default: none is too old. */
  readonly maxAge?: Duration;
  /**
   * What becomes of a slot while the run that the schedule started last has not ended. `allow`
   * (default): both run. `skip`: the slot is passed over. `buffer-one`, `buffer-all`: it waits, and
   * one more, or up to 1,000. `cancel`: the run is cancelled, and the slot waits for its end.
   * `terminate`: the run ends at once.
   */
  readonly overlap?: OverlapPolicy;
  /**
   * Runs begin later than their slots by up to this: by how much is drawn once for each device and
   * schedule. Spreads what a fleet does at midnight. Default 0.
   */
  readonly jitter?: Duration;
}
