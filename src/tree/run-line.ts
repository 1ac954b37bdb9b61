import type { FileStamp } from '../domain/file-stamp.js';
import type { FileContent } from '../domain/trees/tree-rules.js';
import type { FileEntry, IndexLine } from './file-index.js';
import type { Sorted } from './sorted-stream.js';

/** A line of a run (docs/FORMAT.md, Trees, Index), read as far as somebody asks: of a tree of a million files that nobody has touched each is compared as the text it is, and no list,
 *  no stamp and no digest is made of it. */
export class RunLine implements Sorted {
  readonly path: string;
  /** Place behind the path; null: the path is written with escapes, and the line was read. */
  private readonly behindPath: number | null;
  #line: IndexLine | null = null;

  /** @param read gives what a line says, or throws what is to be told when it is none
   *  @throws what `read` throws, when the line does not begin as one */
  constructor(
    private readonly text: string,
    private readonly read: (text: string) => IndexLine,
  ) {
    const end = text.startsWith('["') ? text.indexOf('"', 2) : -1;
    const path = text.slice(2, Math.max(2, end));
    const goesOn = text.startsWith(',', end + 1) || text.slice(end + 1) === ']';
    this.behindPath = end > 0 && goesOn && !path.includes('\\') ? end + 1 : null;
    this.path = this.behindPath === null ? this.#whole().path : path;
  }

  /** It says that there is no such file any more. */
  get isRemoved(): boolean {
    if (this.behindPath === null) return 'isRemoved' in this.#whole();
    return this.text[this.behindPath] === ']';
  }

  /** @throws what the `read` of the constructor throws; a bug where `isRemoved` */
  get entry(): FileEntry {
    const line = this.#whole();
    if ('isRemoved' in line) throw new Error(`${this.path} was asked for, and is removed`);
    return line;
  }

  /** The entry, when it is one of a file that the source has and that `isSameFile` takes for this one: told by the text of every field before the permissions, and by the form of all
   *  that is behind. null: it has to be read to tell.
   *  @param listed what the source shows under this path */
  entryOfSame(listed: Pick<FileEntry, 'path' | 'stamp'>, content: FileContent): FileEntry | null {
    return this.#saysOf(listed.stamp, content) ? new ShownEntry(listed.path, this) : null;
  }

  #saysOf(stamp: FileStamp, content: FileContent): boolean {
    const { text, behindPath } = this;
    if (behindPath === null) return false;
    const { sizeBytes, modifiedAtNs, changedAtNs, inode } = stamp;
    const written = `,${sizeBytes},"${modifiedAtNs}","`;
    if (!text.startsWith(written, behindPath)) return false;
    let at = behindPath + written.length;
    if (content === 'immutable') at = text.indexOf('"', at);
    else if (text.startsWith(changedAtNs, at)) at += changedAtNs.length;
    else return false;
    const last = `","${inode}",`;
    if (!text.startsWith(last, at)) return false;
    SHOWN.lastIndex = at + last.length;
    return SHOWN.test(text);
  }

  #whole(): IndexLine {
    return (this.#line ??= this.read(this.text));
  }
}

/** Of a file that the source has; what else its line says is read when somebody asks. */
class ShownEntry implements FileEntry {
  readonly goneSinceMs = null;

  constructor(
    readonly path: string,
    private readonly line: RunLine,
  ) {}

  get stamp(): FileStamp {
    return this.line.entry.stamp;
  }

  get mode(): number | null {
    return this.line.entry.mode;
  }

  get digest(): string {
    return this.line.entry.digest;
  }

  get table(): string | null {
    return this.line.entry.table;
  }
}

/** Permissions, digest, and the table of a large file; nothing that tells since when it is gone. */
const SHOWN = /(?:null|\d+),"[\da-f]*"(?:,"[^"\\]*")?\]$/y;
