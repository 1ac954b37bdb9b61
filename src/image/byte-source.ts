import { BackupError } from '../domain/errors.js';

/** Bytes that an image reader is handed. It never opens anything itself. */
export interface ByteSource {
  /** For error messages: the repository path. Never used to open anything. */
  readonly label: string;
  readonly sizeBytes: number;
  /** Of two sources with the same one the bytes are the same, so what was found out about one may be kept for the other. Absent: nothing vouches for
   *  that. */
  readonly sameness?: string | undefined;
  /** Fills all of `target` from `offset`.
   *  @throws IMAGE_TRUNCATED when the range passes the end */
  read(target: Uint8Array, offset: number): Promise<void>;
}

/** Bytes that an image composer writes to. */
export interface ByteSink {
  write(source: Uint8Array, offset: number): Promise<void>;
  truncate(sizeBytes: number): Promise<void>;
  sync(): Promise<void>;
}

/** What a file of a repository has, as far as it is read here. */
interface OpenedFile {
  readonly path: string;
  /** Fills `target` as far as the file goes. @returns bytes read */
  read(target: Uint8Array, offset: number): Promise<number>;
  stamp(): Promise<{ readonly sizeBytes: number }>;
}

/** An opened file as an image reader sees it. Its size is fixed by this call.
 *  @param sameness as of `ByteSource` */
export async function fileByteSource(file: OpenedFile, sameness?: string): Promise<ByteSource> {
  const { sizeBytes } = await file.stamp();
  return {
    label: file.path,
    sizeBytes,
    sameness,
    read: (target, offset) => readFully(file, target, offset),
  };
}

/** @throws IMAGE_TRUNCATED when the file ends before all of `target` is filled */
export async function readFully(
  file: Pick<OpenedFile, 'path' | 'read'>,
  target: Uint8Array,
  offset: number,
): Promise<void> {
  const count = await file.read(target, offset);
  if (count < target.length)
    throw new BackupError(
      'IMAGE_TRUNCATED',
      `${file.path} ends at byte ${offset + count}, where ${target.length - count} more were expected`,
      { details: { path: file.path, offset: offset + count } },
    );
}
