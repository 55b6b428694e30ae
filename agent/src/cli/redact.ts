const names = [
  'password',
  'passwd',
  'secret',
  'token',
  'authorization',
  'credential',
  'api[-_]?key',
];

const secrets: readonly (readonly [pattern: RegExp, instead: string])[] = [
  [/-----BEGIN [A-Z ]+-----[^]*?-----END [A-Z ]+-----/g, '(PEM)'],
  // User and password of an address.
  [/(?<=\b[a-z][a-z0-9+.-]*:\/\/)[^/\s"'@]*@/gi, '(redacted)@'],
  // Tokens of ours.
  [/\b[0-9a-f]{16}_[0-9a-f]{40}\b/g, '(token)'],
  [new RegExp(`(?<=\\b(?:${names.join('|')})"?\\s*[:=]\\s*"?)[^\\s",;}]+`, 'gi'), '(redacted)'],
];

/** A text without what lets somebody in: keys, tokens, passwords, users of addresses. */
export function withoutSecrets(text: string): string {
  return secrets.reduce((so, [pattern, instead]) => so.replace(pattern, instead), text);
}
