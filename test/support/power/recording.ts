import { readFile } from 'node:fs/promises';

/** One thing that a process did to the files below a directory; paths are relative to that. */
export type FileEvent =
  | { readonly kind: 'create' | 'sync' | 'unlink' | 'mkdir' | 'rmdir'; readonly path: string }
  | { readonly kind: 'truncate'; readonly path: string; readonly size: number }
  | { readonly kind: 'rename'; readonly path: string; readonly to: string }
  | {
      readonly kind: 'write';
      readonly path: string;
      readonly offset: number;
      readonly bytes: Uint8Array;
    };

/** What the process said, and after how many events. */
export interface Said {
  readonly at: number;
  readonly words: readonly string[];
}

export interface Recording {
  readonly events: readonly FileEvent[];
  /** Lines that were written to the file `said`, which is no part of the disk. */
  readonly said: readonly Said[];
}

/** Reads what `recorder.c` has written. */
export async function readRecording(path: string): Promise<Recording> {
  const file = await readFile(path);
  const events: FileEvent[] = [];
  const said: Said[] = [];
  for (let at = 0; at < file.byteLength; ) {
    const end = file.indexOf(10, at);
    const words = file.toString('latin1', at, end).split(' ');
    const length = Number(words.pop());
    const bytes = file.subarray(end + 1, end + 1 + length);
    at = end + 1 + length;
    const event = eventOf(words, bytes);
    if (event.path !== 'said') events.push(event);
    else if (event.kind === 'write') {
      for (const line of bytes.toString('latin1').trim().split('\n')) {
        said.push({ at: events.length, words: line.split(' ') });
      }
    }
  }
  return { events, said };
}

function eventOf(words: readonly string[], bytes: Uint8Array): FileEvent {
  const [kind, path = '', more = ''] = words;
  switch (kind) {
    case 'create':
    case 'sync':
    case 'unlink':
    case 'mkdir':
    case 'rmdir':
      return { kind, path };
    case 'truncate':
      return { kind, path, size: Number(more) };
    case 'rename':
      return { kind, path, to: more };
    case 'write':
      return { kind, path, offset: Number(more), bytes };
    default:
      throw new Error(`the recording has a ${kind}`);
  }
}
