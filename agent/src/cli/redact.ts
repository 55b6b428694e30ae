/** Whatever ends so is secret: `HOLDFAST_PROXY_PASSWORD`, `apiKey`; not `password-file`, a path. */
const names = [
  ...['password', 'passwd', 'passphrase', 'secret', 'token', 'authorization', 'credential'],
  ...['api[-_]?key', 'private[-_]?key', 'access[-_]?key'],
].join('|');

/** Between a name and its value, also where a text is a string in another one. */
const is = String.raw`\\*["']?\s*[:=]\s*`;

function valueOf(value: string): RegExp {
  return new RegExp(`((?:${names})s?${is})${value}`, 'gi');
}

const secrets: readonly (readonly [pattern: RegExp, instead: string])[] = [
  [/-----BEGIN [A-Z ]+-----[^]*?-----END [A-Z ]+-----/g, '(PEM)'],
  // User and password of an address.
  [/(?<=\b[a-z][a-z0-9+.-]*:\/\/)[^/\s"'@]*@/gi, '(redacted)@'],
  // Tokens of ours, and those that say themselves what they are.
  [/\b[0-9a-f]{16}_[0-9a-f]{40}\b/g, '(token)'],
  [/\b[0-9a-f]{2,512}\.[0-9a-f]{128}\b/g, '(proof)'],
  [/\beyJ[\w-]+\.[\w-]+\.[\w-]*/g, '(token)'],
  [/(?<=\b(?:Bearer|Basic)\s+)[\w.~+/=-]{6,}/gi, '(redacted)'],
  [valueOf(String.raw`(")(?:[^"\\]|\\.)*"`), '$1$2(redacted)$2'],
  [valueOf(String.raw`('|\\+["'])[^]*?\2`), '$1$2(redacted)$2'],
  [valueOf(String.raw`(?!null\b|true\b|false\b)[^\s"'\\,;{}()[\]]+`), '$1(redacted)'],
];

/** A text without what lets somebody in: keys, tokens, passwords, users of addresses. */
export function withoutSecrets(text: string): string {
  return secrets.reduce((so, [pattern, instead]) => so.replace(pattern, instead), text);
}
