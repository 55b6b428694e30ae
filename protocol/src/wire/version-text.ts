import { PROTOCOL_VERSION, PROTOCOL_VERSION_MIN } from './version.ts';

export interface ProgramVersion {
  /** `holdfast`, for example. */
  readonly program: string;
  readonly version: string;
  readonly node: string;
  readonly isJson: boolean;
}

/** What `version` of each program prints, without a final line end. */
export function versionText({ program, version, node, isJson }: ProgramVersion): string {
  if (!isJson) return `${program} ${version}, protocol ${PROTOCOL_VERSION}, node ${node}`;
  const protocol = { min: PROTOCOL_VERSION_MIN, max: PROTOCOL_VERSION };
  return JSON.stringify({ schema: 'holdfast.version/1', version, protocol, node });
}
