/** Why no TLS connection came about, by what OpenSSL and Node call it. The first match counts. */
const causes: readonly (readonly [name: RegExp, words: string])[] = [
  [/\bCERT_HAS_EXPIRED\b/, 'its certificate has expired, or the clock here is ahead'],
  [/\bCERT_NOT_YET_VALID\b/, 'its certificate is not valid yet, or the clock here is behind'],
  [/ALTNAME_INVALID\b/, 'its certificate is for another name'],
  [
    /SELF_SIGNED|UNABLE_TO_(GET_ISSUER|VERIFY)|CERT_UNTRUSTED|INVALID_CA/,
    'its certificate is not of a CA that is trusted here',
  ],
  [/CERTIFICATE_REQUIRED|ALERT_BAD_CERTIFICATE|UNKNOWN_CA/, 'it does not take what is shown to it'],
  [
    /WRONG_VERSION_NUMBER|PACKET_LENGTH_TOO_LONG|HTTP_REQUEST|UNEXPECTED_MESSAGE/,
    'what answers does not speak TLS: another port, or a portal that wants a login',
  ],
  [/^CERT|^ERR_TLS|^ERR_SSL|^EPROTO$/, 'the TLS handshake failed'],
];

/** What a person can do something with; `undefined`: not about TLS. */
export function tlsWords(code: string, message: string): string | undefined {
  // Node names some by their code, and others in the text only.
  const text = `${code} ${message.toUpperCase().replaceAll(' ', '_')}`;
  return causes.find(([name]) => name.test(text))?.[1];
}
