/** Bytes that an image reader is handed. It never opens anything itself. */
export interface ByteSource {
  /** For error messages: the repository path. Never used to open anything. */
  readonly label: string;
  readonly sizeBytes: number;
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
