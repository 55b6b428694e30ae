import { errorCatalogue, HoldfastError, type ErrorCode } from '@holdfast/protocol';

/** RFC 9457, with the code of the catalogue and what to do. */
export interface ProblemDetails {
  readonly type: string;
  readonly title: string;
  readonly status: number;
  readonly detail: string;
  readonly code: ErrorCode;
  readonly hint: string;
}

/** Codes that are not here are a failure of the gateway: 500. */
const statuses: Partial<Readonly<Record<ErrorCode, number>>> = {
  HF_REQUEST_INVALID: 400,
  HF_NAME_INVALID: 400,
  HF_VALUE_UNSUPPORTED: 400,
  HF_PASSWORD_INVALID: 400,
  HF_ACCESS_UNKNOWN: 401,
  HF_ACCESS_DENIED: 403,
  HF_ENROLL_REFUSED: 403,
  HF_RENEWAL_REFUSED: 403,
  HF_PAIRING_REFUSED: 403,
  HF_PAIRING_UNKNOWN: 404,
  HF_DEVICE_REVOKED: 403,
  HF_DEVICE_UNKNOWN: 404,
  HF_USER_UNKNOWN: 404,
  HF_API_TOKEN_UNKNOWN: 404,
  HF_COMMAND_UNKNOWN: 404,
  HF_CALL_UNKNOWN: 404,
  HF_WEBHOOK_UNKNOWN: 404,
  HF_WEBHOOK_TARGET: 400,
  HF_USER_THERE: 409,
  HF_COMMAND_CONFLICT: 409,
  HF_VALUE_TOO_LARGE: 413,
  HF_ACCESS_LIMITED: 429,
  HF_GATEWAY_CLOSED: 503,
  HF_LEDGER_UNAVAILABLE: 503,
};

/** What a client is told. What is no HoldfastError shows nothing of its inside. */
export function problemOf(error: unknown, status?: number): ProblemDetails {
  const known =
    error instanceof HoldfastError
      ? error
      : new HoldfastError('HF_INTERNAL', { why: 'the request could not be answered' });
  const { code, hint, why = known.message } = known;
  return {
    type: `urn:holdfast:error:${code}`,
    title: errorCatalogue[code].message,
    status: status ?? statuses[code] ?? 500,
    detail: why,
    code,
    hint,
  };
}
