// Processes with all that they have started. Linux.
import { readFileSync, readdirSync } from 'node:fs';

const read = (pid, file) => {
  try {
    return readFileSync(`/proc/${pid}/${file}`, 'utf8');
  } catch {
    return ''; // It has ended meanwhile.
  }
};

/** These processes and their descendants. */
export function treeOf(pids) {
  const parents = readdirSync('/proc')
    .filter((each) => /^\d+$/.test(each))
    .map((pid) => [Number(pid), Number(/\) \S (\d+)/.exec(read(pid, 'stat'))?.[1])]);
  const tree = new Set(pids);
  for (let before = 0; before < tree.size;) {
    before = tree.size;
    for (const [pid, parent] of parents) if (tree.has(parent)) tree.add(pid);
  }
  return [...tree];
}

/** Their proportional share of memory, MiB: pages that several have are counted once. */
export function memoryMib(pids) {
  const kib = treeOf(pids).map((pid) =>
    Number(/^Pss:\s+(\d+)/m.exec(read(pid, 'smaps_rollup'))?.[1] ?? 0),
  );
  return kib.reduce((sum, each) => sum + each, 0) / 1_024;
}

/** Bytes that they have had the kernel write to disks. */
export function writtenBytes(pids) {
  const bytes = treeOf(pids).map((pid) =>
    Number(/^write_bytes: (\d+)/m.exec(read(pid, 'io'))?.[1] ?? 0),
  );
  return bytes.reduce((sum, each) => sum + each, 0);
}

export function killTree(pids) {
  for (const pid of treeOf(pids)) {
    try {
      process.kill(pid, 'SIGKILL');
    } catch {
      // It has ended.
    }
  }
}
