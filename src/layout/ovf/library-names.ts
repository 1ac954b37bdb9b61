import type { ClaimedFile } from '../backup-layout.js';

/** A content library of vSphere keeps each file of an item under its name and an id of the file, `web-disk1_<uuid>.vmdk`; what an OVF package says of its
 *  files is the names without it. Source: vSphere documentation, content libraries on a datastore. */
const LIBRARY_NAME = /^(?<stem>.+)_[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}(?<ending>\.[^.]+)$/i;

/** The files of a folder under the names that a package has for them. Those of a folder that is no item of a library, and names that two would share, stay. */
export function packageNames(files: readonly ClaimedFile[]): readonly ClaimedFile[] {
  const isItem = files.some(({ name }) => plainName(name) !== name && /\.ovf$/i.test(name));
  if (!isItem) return files;
  const count = new Map<string, number>();
  for (const { name } of files) {
    const plain = plainName(name);
    count.set(plain, (count.get(plain) ?? 0) + 1);
  }
  return files.map((file) => {
    const name = plainName(file.name);
    return count.get(name) === 1 ? { ...file, name } : file;
  });
}

function plainName(name: string): string {
  const { stem, ending } = LIBRARY_NAME.exec(name)?.groups ?? {};
  return stem === undefined || ending === undefined ? name : stem + ending;
}
