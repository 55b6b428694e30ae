/** What the storm's calls are answered with. */
export const handlers = {
  double: (input: unknown) => Number(input) * 2,
};
