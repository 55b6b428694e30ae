import {
  answer,
  anything,
  boolean,
  choice,
  integer,
  list,
  object,
  string,
} from '@holdfast/protocol/json-schema';
import { question } from './parts.ts';

/** What brokers ask and are told, in the words of EMQX. */

const results = ['allow', 'deny', 'ignore'] as const;
const client = { clientid: string({ maxLength: 256 }), username: string({ maxLength: 256 }) };

export const hookClient = question(
  {
    ...client,
    ...{ password: string({ maxLength: 2_048 }), peerhost: string({ maxLength: 64 }) },
  },
  {},
);
export const hookAdmission = answer({
  ...{ result: choice(results), is_superuser: boolean() },
  acl: list(
    object(
      {
        ...{ permission: choice(['allow', 'deny']), topic: string() },
        action: choice(['publish', 'subscribe', 'all']),
      },
      { qos: list(integer()) },
    ),
  ),
});

export const hookAction = question(
  {
    ...client,
    ...{ topic: string({ maxLength: 65_536 }), action: choice(['publish', 'subscribe']) },
    qos: anything({ description: '0 to 2, as a number or its text' }),
  },
  {},
);
export const hookAnswer = answer({ result: choice(results) });
