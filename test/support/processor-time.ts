/** Processor time of this process so far, in ms: other work of the machine adds nothing to it. */
export function processorMs(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1_000;
}
