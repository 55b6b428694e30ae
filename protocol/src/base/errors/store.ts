import type { ErrorSpec } from './spec.ts';

/** Failures of the data directory, its store and the journal. */
export const storeErrors = {
  HF_DATA_DIR_UNUSABLE: {
    message: 'The data directory cannot be used',
    retry: 'never',
    hint: 'Give a directory that this user can write to, with --data-dir.',
  },
  HF_DATA_DIR_FILE_SYSTEM: {
    message: 'The data directory is on a file system that may lose what was journaled',
    retry: 'never',
    hint: 'Move it to ext4, f2fs, xfs or btrfs on a disk of this machine.',
  },
  HF_DATA_DIR_MISSING: {
    message: 'There is no Holdfast data in this directory',
    retry: 'never',
    hint: 'Check --data-dir; `holdfast run` and `holdfast-gateway serve` make a new one.',
  },
  HF_DATA_DIR_OTHER_DEVICE: {
    message: 'The data directory belongs to another device',
    retry: 'never',
    hint: 'Use the device id that it was made for, or another --data-dir.',
  },
  HF_STORE_LOCKED: {
    message: 'Another process has this data directory open',
    retry: 'later',
    hint: 'Stop the other one, or talk to it with --socket or --url.',
  },
  HF_STORE_NATIVE: {
    message: 'The native part of the store cannot be loaded on this machine',
    retry: 'never',
    hint: 'Run `npm rebuild classic-level`, or `apt reinstall holdfast`. No data is lost.',
  },
  HF_STORE_DAMAGED: {
    message: 'The store does not open',
    retry: 'never',
    hint: 'Start the agent: it moves the store aside as it is and goes on with what can be read.',
  },
  HF_STORE_SALVAGED: {
    message: 'The store was damaged, and what could be read of it was moved into a new one',
    retry: 'never',
    hint: 'Check the disk. Keep what was moved aside while it may be needed, then delete it.',
  },
  HF_MACHINE_CHANGED: {
    message: 'The store woke up on another machine, and goes on in a new epoch',
    retry: 'never',
    hint: 'Give a copy a device id of its own. If it was moved, nothing is to be done.',
  },
  HF_STORE_RESTORED: {
    message: 'A snapshot was restored, and what it has goes on in a new epoch',
    retry: 'never',
    hint: 'Nothing is to be done. Delete what was moved aside once nobody needs it.',
  },
  HF_STORE_FORMAT: {
    message: 'The store was written by a newer version',
    retry: 'never',
    hint: 'Install the version that wrote it, or a newer one. Nothing was changed.',
  },
  HF_STORE_OLDER: {
    message: 'The store was written by an older version',
    retry: 'never',
    hint: 'Start the agent, which migrates it and keeps the old one. Nothing was changed.',
  },
  HF_STORE_KEY: {
    message: 'The key does not open the store',
    retry: 'never',
    hint: 'Give the key that it was encrypted with, by --store-key-file. Nothing was changed.',
  },
  HF_SNAPSHOT_INVALID: {
    message: 'The file is no snapshot, or not a whole one',
    retry: 'never',
    hint: 'Take another snapshot. Nothing was changed.',
  },
  HF_STORE_THERE: {
    message: 'There is a store already',
    retry: 'never',
    hint: 'Give --replace to have it moved aside. Nothing was changed.',
  },
  HF_JOURNAL_FAILED: {
    message: 'The journal cannot reach stable storage',
    retry: 'later',
    hint: 'Check free space and the kernel log; the agent goes on by itself once the disk does.',
  },
  HF_JOURNAL_FULL: {
    message: 'The journal has used up its budget',
    retry: 'later',
    hint: 'Restore the link so that it drains, or give it more with --journal-max-bytes.',
  },
  HF_DISK_FULL: {
    message: 'The disk is nearly full',
    retry: 'later',
    hint: 'Make room on the disk of the data directory; new work is taken then, without a restart.',
  },
  HF_DISK_SLOW: {
    message: 'The disk takes long to make durable what is written',
    retry: 'later',
    hint: 'Look for other writers, and for errors in the kernel log: the card may be dying.',
  },
  HF_JOURNAL_BUSY: {
    message: 'More is waiting to be journaled than memory is set aside for',
    retry: 'later',
    hint: 'Slow down: wait for earlier calls to resolve before making new ones.',
  },
  HF_ENTRY_DAMAGED: {
    message: 'A stored entry is not what was written',
    retry: 'never',
    hint: 'Run the verify command of the side that reports it; the named range is affected.',
  },
  HF_STORE_RECREATED: {
    message: 'The store was missing and a new one was made',
    retry: 'never',
    hint: 'What it held and the ledger does not have is lost; find out what removed it.',
  },
} as const satisfies Record<string, ErrorSpec>;
