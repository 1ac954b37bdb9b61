interface Closable {
  close(): Promise<void>;
}

/** What one piece of work has open, and closes together. */
export class OpenFiles {
  private readonly opened: Closable[] = [];

  add<T extends Closable>(file: T): T {
    this.opened.push(file);
    return file;
  }

  /** Closes all, also when one of them fails; then throws the first failure. */
  async close(): Promise<void> {
    const ends = await Promise.allSettled(this.opened.splice(0).map((file) => file.close()));
    for (const end of ends) if (end.status === 'rejected') throw end.reason;
  }
}

/** Files that are open while `use` works. */
export async function withOpenFiles<T>(use: (files: OpenFiles) => Promise<T>): Promise<T> {
  const files = new OpenFiles();
  try {
    return await use(files);
  } finally {
    await files.close();
  }
}

/** What `open` returns has the files, and closes them; when `open` fails they are closed at once. */
export async function openTogether<T>(open: (files: OpenFiles) => Promise<T>): Promise<T> {
  const files = new OpenFiles();
  try {
    return await open(files);
  } catch (error) {
    await files.close();
    throw error;
  }
}
