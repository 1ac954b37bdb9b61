/** Names as ghettoVCB.sh makes them. */

/** Name of the folder of one run, or of its archive without `.gz`. */
export interface RunName {
  readonly path: string;
  readonly name: string;
  /** Folder of the machine: the one that the run lies in, unless that has another name. */
  readonly machinePath: string;
  /** It lies where the tool puts it: in the folder of its machine, which may be the root. */
  readonly isInPlace: boolean;
  /** null: the runs are numbered. */
  readonly date: { readonly text: string; readonly parts: Readonly<Record<string, string>> } | null;
}

/** `date +%F_%H-%M-%S`; where the convention is not set `%k`, whose hours before ten begin with a blank; people's own conventions leave out the time. */
const DATED =
  /^(?<machine>.+)-(?<date>(?<year>\d{4})-(?<month>\d\d)-(?<day>\d\d)(?:_(?<hour>[ \d]\d)-(?<minute>\d\d)(?:-(?<second>\d\d))?)?)$/;
const NUMBERED = /^(?<machine>.+)-\d{1,4}$/;
const STATUS = /^STATUS\.(?:ok|error|warn)$/;
const OWN_FILE = /\.(?:vmdk|vmx|vmxf|vmsd|nvram)$/i;

/** null: no run has such a name. */
export function parseRunName(path: string): RunName | null {
  const cut = path.lastIndexOf('/');
  const name = path.slice(cut + 1);
  const { machine, date, ...parts } =
    (DATED.exec(name.replace('_ ', '_0')) ?? NUMBERED.exec(name))?.groups ?? {};
  if (machine === undefined) return null;
  const within = cut === -1 ? '' : path.slice(0, cut);
  const isOfMachine = within.slice(within.lastIndexOf('/') + 1) === machine;
  return {
    path,
    name,
    machinePath: isOfMachine ? within : within === '' ? machine : `${within}/${machine}`,
    isInPlace: isOfMachine || within === '',
    date: date === undefined ? null : { text: date, parts: parts },
  };
}

export function machineOf({ machinePath }: RunName): string {
  return machinePath.slice(machinePath.lastIndexOf('/') + 1);
}

/** Whether a folder of such a name holds a run, by the files in it. The tool’s own mark tells; before it is there a definition does, in a folder that lies where
 *  a run lies. `debian-11/debian-11.vmx` is a machine of that name, copied by hand. */
export function holdsRun({ name, isInPlace }: RunName, files: readonly string[]): boolean {
  if (files.some((file) => STATUS.test(file))) return true;
  const definitions = files.filter((file) => /\.vmx$/i.test(file));
  return (
    isInPlace &&
    definitions.length > 0 &&
    definitions.every((file) => file.slice(0, -'.vmx'.length) !== name)
  );
}

export function isOwnFile(name: string): boolean {
  return STATUS.test(name) || OWN_FILE.test(name);
}

/** A packed run lies in the folder of its machine, and is named after it. */
export function isArchiveName(folder: string, name: string): boolean {
  if (!name.endsWith('.gz')) return false;
  const run = parseRunName(`${folder}/${name.slice(0, -'.gz'.length)}`);
  return run?.machinePath === folder;
}

/** Whether a file holds data of the disk that a descriptor beside it describes. */
export function isExtentOf(descriptor: string, file: string): boolean {
  return descriptorOfExtent(file) === descriptor.replace(/\.vmdk$/i, '.vmdk');
}

const EXTENT = /^(?<stem>.+)-(?:flat|delta|sesparse|[sf]\d{3,4})\.vmdk$/i;

/** Which descriptor describes the data of a file, by its name; null: it is no part of a disk. */
export function descriptorOfExtent(file: string): string | null {
  const stem = EXTENT.exec(file)?.groups?.['stem'];
  return stem === undefined ? null : `${stem}.vmdk`;
}

/** The last part of a path. */
export function baseName(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1);
}
