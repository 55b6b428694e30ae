import { HoldfastError, type ErrorCode, type LinkDown } from '@holdfast/protocol';
import { systemWords } from './system-words.ts';
import { tlsWords } from './tls-words.ts';

/** What of a connection attempt was reached when it ended. */
export type DialStage = 'connecting' | 'subscribing' | 'up';

export interface DialEnd {
  /** `host:port` of the broker. */
  readonly broker: string;
  readonly stage: DialStage;
  /** The connection was to be TLS. */
  readonly isTls: boolean;
  /** What was reported, if anything was. */
  readonly error: Error | undefined;
}

/** Of a way that drops large packets and does not say so. */
export const mtuHint =
  'if that is so each time, the way is likely to swallow large packets: set its MTU to 1280';

/** Return codes of CONNACK: MQTT 3.1.1, 3.2.2.3, and from 128 on MQTT 5, 3.2.2.2. */
const refusals: Readonly<Record<number, string>> = {
  1: 'it does not speak this version of MQTT',
  2: 'it does not accept the client id of this device',
  3: 'it is not available now',
  4: 'user name or password are wrong',
  5: 'this device is not authorized',
  132: 'it does not speak this version of MQTT',
  133: 'it does not accept the client id of this device',
  134: 'user name or password are wrong',
  135: 'this device is not authorized',
  136: 'it is not available now',
  137: 'it is busy',
  138: 'this device is banned',
  151: 'a quota is used up',
  156: 'another server is to be used',
  157: 'the server has moved',
  159: 'too many connections are made',
};

/** Why an MQTT 5 broker ends a connection or does not take a message: 3.14.2.1, 3.4.2.1. */
const ends: Readonly<Record<number, string>> = {
  135: 'it does not let this device publish',
  137: 'it is busy',
  139: 'it is shutting down',
  141: 'it heard nothing in time',
  142: 'another client has taken over the session of this device',
  144: 'it does not take the topics of this device',
  147: 'more was on its way than it takes',
  149: 'a message was larger than it takes',
  150: 'messages came faster than it takes',
  151: 'a quota is used up',
  152: 'its operator has ended the connection',
};
/** Not authorized, and not a name that it takes: that stays so. */
const lasting: readonly number[] = [135, 144];

/** Whether a message that was not taken may be taken later. */
export function isPassing(error: Error): boolean {
  return hasReason(error) && !lasting.includes(error.code);
}

/** What the MQTT client makes of a packet with a reason: the codes of the system are words. */
function hasReason(error: Error | undefined): error is Error & { readonly code: number } {
  return error !== undefined && 'code' in error && typeof error.code === 'number';
}

/** Says why a link ended in the words of the error catalogue. */
export function linkDownOf(end: DialEnd): LinkDown {
  const { broker, error, stage } = end;
  if (error instanceof HoldfastError && error.code === 'HF_PROXY_UNUSABLE') {
    return { code: error.code, message: error.message };
  }
  const sysCode = error !== undefined && 'code' in error ? error.code : undefined;
  if (hasReason(error) && stage === 'connecting') {
    const reason = refusals[error.code] ?? `it gave the return code ${error.code}`;
    return down('HF_BROKER_REFUSED', `${broker}: ${reason}`);
  }
  if (stage === 'subscribing' && error !== undefined && sysCode === undefined) {
    return down('HF_BROKER_REFUSED', `${broker}: it does not let this device subscribe`);
  }
  if (stage === 'up') return ended(end);
  if (stage === 'connecting') return unanswered(end, typeof sysCode === 'string' ? sysCode : '');
  return down('HF_GATEWAY_UNREACHABLE', `${broker}: ${error?.message ?? 'closed'}`);
}

function ended({ broker, error }: DialEnd): LinkDown {
  if (!hasReason(error)) {
    return down('HF_LINK_LOST', `${broker}: ${error?.message ?? 'closed'}`);
  }
  const why = ends[error.code] ?? `${error.message} (reason ${error.code})`;
  const code = lasting.includes(error.code) ? 'HF_BROKER_REFUSED' : 'HF_LINK_LOST';
  return down(code, `${broker}: ${why}`);
}

/** Nothing has said yet that it is an MQTT broker. */
function unanswered({ broker, isTls, error }: DialEnd, sysCode: string): LinkDown {
  const words = systemWords(sysCode);
  if (words !== undefined) {
    return down('HF_GATEWAY_UNREACHABLE', `${broker}: ${words} (${sysCode})`);
  }
  const [, status] = /^Unexpected server response: (\d+)/.exec(error?.message ?? '') ?? [];
  if (status !== undefined) {
    const why = `it answers HTTP ${status} and takes no WebSocket; is the path right?`;
    return down('HF_GATEWAY_UNREACHABLE', `${broker}: ${why}`);
  }
  const untrusted = tlsWords(sysCode, error?.message ?? '');
  if (untrusted !== undefined) {
    return down('HF_GATEWAY_UNTRUSTED', `${broker}: ${untrusted} (${sysCode})`);
  }
  const isEnded = error === undefined || sysCode === 'ECONNRESET';
  if (isEnded && isTls) {
    const why = `${broker}: it ended the connection before TLS stood; is this its port for TLS?`;
    return down('HF_GATEWAY_UNTRUSTED', why);
  }
  const why = isEnded
    ? 'the connection was closed before MQTT answered'
    : `what answers does not speak MQTT: a portal, or a port for TLS (${error.message})`;
  return down('HF_GATEWAY_UNREACHABLE', `${broker}: ${why}`);
}

export function down(code: ErrorCode, why: string): LinkDown {
  return { code, message: new HoldfastError(code, { why }).message };
}
