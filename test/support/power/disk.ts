import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { SimChance } from '../sim-chance.ts';
import type { FileEvent } from './recording.ts';

/**
 * What a power cut can leave of names: those that were made, changed or removed since the last
 * sync are there up to some moment (a journaling file system), or each for itself (`loose`).
 */
export type Names = 'ordered' | 'loose';

const PAGE = 4_096;
const SECTOR = 512;

/** A file, whatever its name. */
interface File {
  /** As programs see it. */
  content: Buffer;
  /** As the disk has it for certain. */
  durable: Buffer;
  /** Pages that were written since the last sync. */
  readonly dirty: Set<number>;
}

/** A change of names. */
interface NameChange {
  readonly kind: 'link' | 'unlink' | 'rename' | 'mkdir' | 'rmdir';
  readonly path: string;
  readonly to: string;
  readonly file: File | undefined;
  isDurable: boolean;
}

/** Names of files and, as `undefined`, of directories. */
type Tree = Map<string, File | undefined>;

/**
 * A disk under a recorded process: takes its events one by one, and says what a power cut could
 * leave at that moment. Data that was synced is there; of the rest nothing, all, or any of its
 * 4 KiB pages, one of them torn at 512 bytes.
 */
export class Disk {
  readonly #base: Tree;
  readonly #now: Tree;
  readonly #changes: NameChange[] = [];
  readonly #names: Names;

  private constructor(base: Tree, names: Names) {
    this.#base = base;
    this.#now = new Map(base);
    this.#names = names;
  }

  /** A disk that has what is in `dir`, durably. */
  static async of(dir: string, names: Names): Promise<Disk> {
    const tree: Tree = new Map();
    const found = await readdir(dir, { recursive: true, withFileTypes: true });
    for (const each of found) {
      const path = join(each.parentPath, each.name).slice(dir.length + 1);
      if (each.isDirectory()) tree.set(path, undefined);
      else {
        const content = await readFile(join(dir, path));
        tree.set(path, { content, durable: content, dirty: new Set() });
      }
    }
    return new Disk(tree, names);
  }

  take(event: FileEvent): void {
    const { kind, path } = event;
    const file = this.#now.get(path);
    if (kind === 'sync') this.#sync(path, file);
    else if (kind === 'write') overwrite(existing(file, path), event.offset, event.bytes);
    else if (kind === 'truncate') resize(existing(file, path), event.size);
    else if (kind === 'create') {
      this.#change({ kind: 'link', path, to: '', file: newFile(), isDurable: false });
    } else {
      const to = kind === 'rename' ? event.to : '';
      this.#change({ kind, path, to, file, isDurable: false });
    }
  }

  /** Writes to `dir` what the disk may hold if the power goes now. */
  async cut(dir: string, chance: SimChance): Promise<void> {
    const tree = new Map(this.#base);
    const open = this.#changes.filter((change) => !change.isDurable);
    const through = open[Math.floor(chance.next() * (open.length + 1))];
    let isBehind = false;
    for (const change of this.#changes) {
      if (change === through) isBehind = true;
      const isThere = this.#names === 'ordered' ? !isBehind : chance.next() < 0.5;
      if (change.isDurable || isThere) apply(tree, change);
    }
    await mkdir(dir, { recursive: true });
    for (const [path, file] of tree) {
      if (file === undefined) await mkdir(join(dir, path), { recursive: true });
      else {
        await mkdir(dirname(join(dir, path)), { recursive: true });
        await writeFile(join(dir, path), leftOf(file, chance));
      }
    }
  }

  #sync(path: string, file: File | undefined): void {
    for (const change of this.#changes) change.isDurable ||= this.#isSynced(change, path, file);
    if (file === undefined) return;
    file.durable = Buffer.from(file.content);
    file.dirty.clear();
  }

  /**
   * Any sync brings a file system's journal to the disk, and with it all names before it. Without
   * one, the sync of a file brings its own name, that of a directory the names in it.
   */
  #isSynced({ path, to, ...change }: NameChange, synced: string, file: File | undefined): boolean {
    if (this.#names === 'ordered') return true;
    if (file !== undefined) return change.file === file && change.kind !== 'unlink';
    return [path, to].some((each) => each !== '' && dirname(each) === synced);
  }

  #change(change: NameChange): void {
    this.#changes.push(change);
    apply(this.#now, change);
  }
}

function newFile(): File {
  return { content: Buffer.alloc(0), durable: Buffer.alloc(0), dirty: new Set() };
}

function existing(file: File | undefined, path: string): File {
  if (file === undefined) throw new Error(`${path} is written to and was never made`);
  return file;
}

function overwrite(file: File, offset: number, bytes: Uint8Array): void {
  const end = offset + bytes.byteLength;
  if (end > file.content.byteLength) resize(file, end);
  // What was durable is a copy, unless it is the very same buffer of the beginning.
  if (file.durable === file.content) file.content = Buffer.from(file.content);
  file.content.set(bytes, offset);
  for (let page = Math.floor(offset / PAGE); page * PAGE < end; page += 1) file.dirty.add(page);
}

function resize(file: File, size: number): void {
  const content = Buffer.alloc(size);
  file.content.copy(content);
  file.content = content;
  file.dirty.add(Math.floor(Math.max(0, size - 1) / PAGE));
}

function apply(tree: Tree, { kind, path, to, file }: NameChange): void {
  if (kind === 'mkdir') tree.set(path, undefined);
  else if (kind === 'link') tree.set(path, file);
  else if (kind !== 'rename') tree.delete(path);
  else {
    for (const [name, found] of [...tree]) {
      if (name !== path && !name.startsWith(`${path}/`)) continue;
      tree.delete(name);
      tree.set(to + name.slice(path.length), found);
    }
  }
}

/** The content of a file after a cut. */
function leftOf(file: File, chance: SimChance): Buffer {
  const { content, durable, dirty } = file;
  const kind = chance.next();
  if (dirty.size === 0 || kind < 0.25) return durable;
  if (kind < 0.5) return content;
  const pages = [...dirty].toSorted((a, b) => a - b).filter(() => chance.next() < 0.5);
  const last = pages.at(-1);
  if (last === undefined) return durable;
  const short = Math.min(content.byteLength, (last + 1) * PAGE);
  const size = chance.next() < 0.5 ? content.byteLength : short;
  const left = Buffer.alloc(Math.max(size, Math.min(durable.byteLength, content.byteLength)));
  durable.copy(left);
  for (const page of pages) {
    const isTorn = page === last && chance.next() < 0.5;
    const bytes = isTorn ? SECTOR * Math.floor(chance.next() * (PAGE / SECTOR)) : PAGE;
    content.copy(left, page * PAGE, page * PAGE, Math.min(page * PAGE + bytes, content.byteLength));
  }
  return left;
}
