/** `site=oslo line=2` as the API has it; `undefined`: it is not written like that. */
export function tagsOf(text: string): Readonly<Record<string, string>> | undefined {
  const words = text.split(/\s+/).filter((word) => word !== '');
  const pairs = words.map((word) => /^([^=]+)=(.*)$/.exec(word));
  if (pairs.includes(null)) return undefined;
  return Object.fromEntries(pairs.map((pair) => [pair?.[1] ?? '', pair?.[2] ?? '']));
}
