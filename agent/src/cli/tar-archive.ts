import { gzipSync } from 'node:zlib';

const BLOCK = 512;

export interface ArchiveFile {
  /** At most 100 bytes. */
  readonly path: string;
  readonly text: string;
}

/** A compressed archive as tar reads it [POSIX.1-1988 ustar]. */
export function tarArchive(files: readonly ArchiveFile[], atMs: number): Uint8Array {
  const parts = files.flatMap(({ path, text }) => {
    const bytes = Buffer.from(text);
    const padding = Buffer.alloc((BLOCK - (bytes.byteLength % BLOCK)) % BLOCK);
    return [header(path, bytes.byteLength, atMs), bytes, padding];
  });
  return gzipSync(Buffer.concat([...parts, Buffer.alloc(2 * BLOCK)]));
}

function header(path: string, bytes: number, atMs: number): Uint8Array {
  const block = Buffer.alloc(BLOCK);
  const octal = (value: number, at: number, length: number) =>
    block.write(value.toString(8).padStart(length - 1, '0'), at);
  block.write(path, 0, 100);
  octal(0o600, 100, 8);
  octal(0, 108, 8);
  octal(0, 116, 8);
  octal(bytes, 124, 12);
  octal(Math.floor(atMs / 1_000), 136, 12);
  block.write('        0', 148);
  block.write('ustar\u000000', 257);
  octal(
    block.reduce((sum, byte) => sum + byte, 0),
    148,
    7,
  );
  block.write('\u0000 ', 154);
  return block;
}
