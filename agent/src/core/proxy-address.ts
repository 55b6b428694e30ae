/** A proxy that opens ways to others: HTTP CONNECT. */
export interface HttpProxy {
  /** `http://[user@]host:port`. */
  readonly url: string;
  /** Of that user. */
  readonly password?: string;
}

const form = /^http:\/\/(?:[^/@:\s]+@)?(?:[^/@:[\]\s]+|\[[0-9a-f:.]+\])(?::\d{1,5})?\/?$/i;
const withPassword = /^http:\/\/[^/@:\s]*:[^/@]*@/i;

/** What is wrong with the address of a proxy. Addresses are shown, and passwords are not. */
export function proxyProblem(url: string): string | undefined {
  if (withPassword.test(url)) return 'has a password, which belongs into a file';
  return form.test(url) ? undefined : 'is no http://[user@]host:port';
}
