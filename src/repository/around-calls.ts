import type { FileCalls, OpenFile } from './file-calls.js';

/** What is done around each call; `follow`: around one that must be made. */
interface AroundCalls {
  ask<T>(call: () => Promise<T>): Promise<T>;
  follow<T>(call: () => Promise<T>): Promise<T>;
  /** Around one that waits in place; absent: there is none. */
  now?<T>(call: () => T): T;
  /** Around the one that waits for the disk alone, for which no thread stands; absent: `ask`. */
  datasync?<T>(call: () => Promise<T>): Promise<T>;
}

export function aroundEach(calls: FileCalls, around: AroundCalls): FileCalls {
  const { lstatNow } = calls;
  return {
    open: async (...parameters) =>
      fileWithin(await around.ask(() => calls.open(...parameters)), around),
    lstat: (path) => around.ask(() => calls.lstat(path)),
    readLink: (path) => around.ask(() => calls.readLink(path)),
    lstatNow: lstatNow && around.now ? (path) => around.now!(() => lstatNow(path)) : lstatNow,
    listNames: (path) => around.ask(() => calls.listNames(path)),
    makeFolder: (path, mode) => around.ask(() => calls.makeFolder(path, mode)),
    rename: (from, to) => around.ask(() => calls.rename(from, to)),
    link: (from, to) => around.ask(() => calls.link(from, to)),
    remove: (path) => around.ask(() => calls.remove(path)),
    removeFolder: (path) => around.ask(() => calls.removeFolder(path)),
    fileSystem: (path) => around.ask(() => calls.fileSystem(path)),
  };
}

function fileWithin(file: OpenFile, around: AroundCalls): OpenFile {
  return {
    get fd() {
      return file.fd;
    },
    read: (...parameters) => around.ask(() => file.read(...parameters)),
    write: (...parameters) => around.ask(() => file.write(...parameters)),
    stat: (options) => around.ask(() => file.stat(options)),
    truncate: (sizeBytes) => around.ask(() => file.truncate(sizeBytes)),
    datasync: () =>
      around.datasync === undefined
        ? around.ask(() => file.datasync())
        : around.datasync(() => file.datasync()),
    sync: () => around.ask(() => file.sync()),
    chmod: (mode) => around.ask(() => file.chmod(mode)),
    utimes: (accessed, modified) => around.ask(() => file.utimes(accessed, modified)),
    close: () => around.follow(() => file.close()),
  };
}
