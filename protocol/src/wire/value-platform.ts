/**
 * What the platform has beside the language, as far as values need it. This project knows no
 * platform's types, so that nothing of one slips in; a device without these still reads the rest.
 */
interface Platform {
  readonly Buffer?: { readonly prototype: object; from(bytes: Uint8Array): Uint8Array };
  readonly URL?: new (href: string) => { readonly href: string };
  readonly DOMException?: new (message: string | undefined, name: string) => Error;
  btoa(latin1: string): string;
}

// Node and browsers alike have these globals in these shapes; what may be missing is optional.
export const platform = globalThis as typeof globalThis & Platform;

export function base64(bytes: Uint8Array): string {
  let latin1 = '';
  for (const byte of bytes) latin1 += String.fromCharCode(byte);
  return platform.btoa(latin1);
}
