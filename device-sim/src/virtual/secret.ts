/** A value that is marked local, or redacted, begins with this: nowhere else is it to be seen. */
export const SECRET = 'for nobody else: ';
const secretBytes = Buffer.from(SECRET);

export function hasSecret(bytes: Uint8Array): boolean {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).includes(secretBytes);
}
