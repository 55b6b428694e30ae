/** What each key does. */
export const keyHelp: Readonly<Record<string, string>> = {
  c: 'cut the link, or mend it',
  s: 'make the link slow (9.6 kbit/s), or fast',
  k: 'kill the agent, or start it',
  p: 'stop the agent (SIGSTOP), or let it go on',
  d: 'fill the disk, or free it',
  j: 'set the clock an hour ahead',
  J: 'set the clock an hour back',
  '1': 'start a run of the first workflow; 2 of the second, …',
  q: 'end',
};
