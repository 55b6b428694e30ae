import test from 'ava';
import { withoutSecrets } from '@holdfast/agent/internal';

const proof = `${'30'.repeat(40)}.${'ab'.repeat(64)}`;
const jwt = 'eyJhbGciOiJFUzI1NiJ9.eyJzdWIiOiJwdW1wIn0.c2VjcmV0';

test('a secret goes out of a text, however it is written there', (t) => {
  const pem = '-----BEGIN PRIVATE KEY-----\nhush\n-----END PRIVATE KEY-----';
  const texts: readonly (readonly [text: string, instead: string])[] = [
    ['password=hush', 'password=(redacted)'],
    ["password = 'hush now'", "password = '(redacted)'"],
    ['{"token":"hush \\"now\\" hush","n":1}', '{"token":"(redacted)","n":1}'],
    ['{"text":"{\\"secret\\":\\"hush hush\\"}"}', '{"text":"{\\"secret\\":\\"(redacted)\\"}"}'],
    ['{"HOLDFAST_FLEET_TOKEN": "hush"}', '{"HOLDFAST_FLEET_TOKEN": "(redacted)"}'],
    ['mqttPassword: hush, next', 'mqttPassword: (redacted), next'],
    ['api-key = "hush"', 'api-key = "(redacted)"'],
    ['"accessKey":"hush"', '"accessKey":"(redacted)"'],
    ['Authorization: Bearer hush-hush', 'Authorization: (redacted) (redacted)'],
    ['curl -H "X: Basic aHVzaDpodXNo"', 'curl -H "X: Basic (redacted)"'],
    ['mqtts://pump:hush@gw.example:8883', 'mqtts://(redacted)@gw.example:8883'],
    [`it showed ${proof} there`, 'it showed (proof) there'],
    [`it showed ${jwt} there`, 'it showed (token) there'],
    [`hf1.${'0a'.repeat(8)}_${'0b'.repeat(20)}.rest`, 'hf1.(token).rest'],
    [`key: ${pem}.`, 'key: (PEM).'],
  ];
  for (const [text, instead] of texts) t.is(withoutSecrets(text), instead);
});

test('what is no secret stays, and JSON stays JSON', (t) => {
  const texts = [
    'password-file = "/etc/holdfast/password"',
    '{"token":null,"password":true}',
    'the token is read from stdin',
    'https://gw.example:8080/pair/7F3K-Q2',
    '{"secret":{"kept":1}}',
  ];
  for (const text of texts) t.is(withoutSecrets(text), text);
});
