import { TerminalError, workflow } from '@holdfast/agent';
import { digestFile, folderName, listFiles } from './digest.ts';

export interface DigestRequest {
  /** A folder of the shelf: letters, digits, `-` and `_`. */
  readonly folder: string;
}

export interface DigestResult {
  readonly files: readonly { readonly file: string; readonly sha256: string }[];
}

/** Digests each file of a folder: work that takes longer than a caller of HTTP should wait. */
export const digest = workflow(
  'digest',
  async (ctx, request: DigestRequest): Promise<DigestResult> => {
    const { folder } = request;
    if (!folderName.test(folder)) throw new TerminalError('this is not the name of a folder');
    const files = await ctx.step('list-files', () => listFiles(folder));

    let count = 0;
    const digests = await ctx.map(files, async (file, each) => {
      const sha256 = await each.step(`digest ${file}`.slice(0, 128), ({ signal }) =>
        digestFile({ folder, file }, signal),
      );
      count += 1;
      await each.setStatus({ digested: count, of: files.length });
      return { file, sha256 };
    });
    return { files: digests.flatMap((each) => (each.status === 'fulfilled' ? each.value : [])) };
  },
);
