/** What is told of backlogs over time, by the rules of all views: see `fleet-views.ts`. */

/** From this moment on, until the next point. */
export interface BacklogPointView {
  readonly at: string;
  /** Entries that had been reported and had not arrived. */
  readonly pending: number;
  /** Entries that were in the ledger by then, of its epoch. */
  readonly arrived: number;
  /** False: nothing was heard of the device, and it may have had more. */
  readonly heard: boolean;
}

/** The last day, the oldest first; not from before this process started. */
interface BacklogOverTime {
  readonly at: string;
  /** When what is known begins; `null`: no gateway runs. */
  readonly since: string | null;
  readonly points: readonly BacklogPointView[];
}

export interface DeviceBacklogView extends BacklogOverTime {
  readonly schema: 'holdfast.device-backlog/1';
  readonly device: string;
  /** When nothing was heard of it, over the last 7 days, the oldest first; not before `since`. */
  readonly outages: readonly OutageView[];
}

export interface OutageView {
  readonly from: string;
  /** `null`: nothing is heard of it still. */
  readonly to: string | null;
}

export interface FleetBacklogView extends BacklogOverTime {
  readonly schema: 'holdfast.fleet-backlog/1';
  /** Entries that become durable here, over the last seconds. */
  readonly arrivingPerSecond: number;
  /** What 19 of 20 devices took at most that have caught up lately; `null`: none has. */
  readonly catchUpP95Ms: number | null;
  /** Devices that have come back and drain: how many, and those that are furthest behind. */
  readonly catchingUp: {
    readonly devices: number;
    readonly first: readonly {
      readonly device: string;
      readonly pending: number;
      /** The most that it was behind since it came back. */
      readonly peak: number;
      readonly since: string;
      /** At the pace it has had; `null`: it has not begun to fall. */
      readonly leftMs: number | null;
    }[];
  };
}

export interface FleetBacklog {
  fleetBacklog(): Promise<FleetBacklogView>;
  /** @throws HF_DEVICE_UNKNOWN */
  deviceBacklog(device: string): Promise<DeviceBacklogView>;
}
