import type { ErrorSpec } from './spec.ts';

/** Failures of who may do what at the gateway. */
export const accessErrors = {
  HF_ACCESS_UNKNOWN: {
    message: 'The gateway does not know who asks',
    retry: 'never',
    hint: 'Give --token-file with an API token, or --data-dir on the machine of the gateway.',
  },
  HF_ACCESS_DENIED: {
    message: 'Who asks may not do that',
    retry: 'never',
    hint: 'Ask somebody with the role that is named, or an admin for that role.',
  },
  HF_ACCESS_LIMITED: {
    message: 'Too many attempts',
    retry: 'later',
    hint: 'Wait for the time that is named, then try again.',
  },
  HF_PASSWORD_INVALID: {
    message: 'The password cannot be used',
    retry: 'never',
    hint: 'Give one of 12 to 256 characters, from a terminal or as one line on stdin.',
  },
  HF_USER_UNKNOWN: {
    message: 'There is no such user',
    retry: 'never',
    hint: 'List the users with `holdfast-gateway user ls`.',
  },
  HF_USER_THERE: {
    message: 'There is a user of that name already',
    retry: 'never',
    hint: 'Choose another name, or change the one that is there with `holdfast-gateway user set`.',
  },
  HF_API_TOKEN_UNKNOWN: {
    message: 'There is no such API token',
    retry: 'never',
    hint: 'List the tokens with `holdfast-gateway token ls`.',
  },
  HF_ENROLL_REFUSED: {
    message: 'The gateway does not enrol this device',
    retry: 'never',
    hint: 'Have a new token made with `holdfast-gateway enroll create`; --device, if it is known.',
  },
  HF_PAIRING_UNKNOWN: {
    message: 'No device waits to be let in with this code',
    retry: 'never',
    hint: 'Compare it with what the device shows; after 10 minutes it begins anew.',
  },
  HF_PAIRING_REFUSED: {
    message: 'The device is not let in',
    retry: 'never',
    hint: 'Begin again with `holdfast enroll --gateway`, and compare code and words.',
  },
  HF_RENEWAL_REFUSED: {
    message: 'The gateway does not renew the certificate of this device',
    retry: 'never',
    hint: 'Enrol the device again, with a token of `holdfast-gateway enroll create --device`.',
  },
  HF_CERTIFICATE_EXPIRES: {
    message: 'The certificate of this device expires soon, or has expired',
    retry: 'never',
    hint: 'Renew it by `holdfast enroll --renew`; where the gateway refuses that, enrol it again.',
  },
  HF_DEVICE_REVOKED: {
    message: 'The gateway takes nothing from this device any more',
    retry: 'never',
    hint: 'If that is a mistake, enrol it again with a token for just this device.',
  },
  HF_DEVICE_REGION: {
    message: 'The device belongs to another region',
    retry: 'later',
    hint: 'Connect it to a gateway of its region, or give it another tag `region`.',
  },
  HF_DEVICE_UNENROLLED: {
    message: 'The gateway takes enrolled devices only',
    retry: 'later',
    hint: 'Enrol it: `holdfast enroll`, with a token of `holdfast-gateway enroll create`.',
  },
} as const satisfies Record<string, ErrorSpec>;
