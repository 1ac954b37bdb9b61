import { namedDateMs } from '../names/named-date.js';

/** Names as ghettoVCB.sh makes them. */

/** Name of the folder of one run, or of its archive without `.gz`. */
export interface RunName {
  readonly path: string;
  readonly name: string;
  /** Folder of the machine: the one that the run lies in, unless that has another name. */
  readonly machinePath: string;
  /** It lies where the tool puts it: in the folder of its machine, which may be the root. */
  readonly isInPlace: boolean;
  /** Named as its owner likes (`VM_BACKUP_DIR_NAMING_CONVENTION` is a line of the script): known by its place and the tool’s mark alone. */
  readonly isOfOwnConvention: boolean;
  /** null: the runs are numbered, or their names hold no date that can be read. */
  readonly date: { readonly text: string; readonly parts: Readonly<Record<string, string>> } | null;
}

/** `date +%F_%H-%M-%S`; where the convention is not set `%k`, whose hours before ten begin with a blank; people's own conventions leave out the time. */
const DATED =
  /^(?<machine>.+)-(?<date>(?<year>\d{4})-(?<month>\d\d)-(?<day>\d\d)(?:_(?<hour>[ \d]\d)-(?<minute>\d\d)(?:-(?<second>\d\d))?)?)$/;
const NUMBERED = /^(?<machine>.+)-\d{1,4}$/;
/** `20261124`, `2026-11-24_2200`, `20261124T220015`: what people put there instead; behind the machine’s name and its hyphen. */
const DATED_OTHERWISE =
  /^(?<year>\d{4})-?(?<month>\d\d)-?(?<day>\d\d)(?:[-_T]?(?<hour>\d\d)[-:.]?(?<minute>\d\d)(?:[-:.]?(?<second>\d\d))?)?$/;
const DIGITS = /^[\d._-]+$/;
const STATUS = /^STATUS\.(?:ok|error|warn)$/i;
const OWN_FILE = /\.(?:vmdk|vmx|vmxf|vmsd|nvram)$/i;

/** null: no run has such a name. */
export function parseRunName(path: string): RunName | null {
  const cut = path.lastIndexOf('/');
  const name = path.slice(cut + 1);
  const within = cut === -1 ? '' : path.slice(0, cut);
  const above = within.slice(within.lastIndexOf('/') + 1);
  const dated = DATED.exec(name.replace('_ ', '_0'))?.groups;
  const numbered = NUMBERED.exec(name)?.groups;
  if (dated === undefined && name.startsWith(`${above}-`)) {
    // `customer/customer-dc01-0` is a numbered run of `customer-dc01`; `web/web-24-11-2026` is one of `web`.
    const isNumbered = numbered !== undefined && !DIGITS.test(name.slice(above.length + 1));
    if (numbered?.['machine'] !== above && !isNumbered) return ownRunName(path, within, above);
  }
  const { machine, date, ...parts } = dated ?? numbered ?? {};
  if (machine === undefined) return null;
  const isOfMachine = above === machine;
  return {
    path,
    name,
    machinePath: isOfMachine ? within : within === '' ? machine : `${within}/${machine}`,
    isInPlace: isOfMachine || within === '',
    isOfOwnConvention: false,
    date: date === undefined ? null : { text: date, parts: parts },
  };
}

function ownRunName(path: string, machinePath: string, machine: string): RunName {
  const name = path.slice(machinePath.length + 1);
  const text = name.slice(machine.length + 1);
  const parts = DATED_OTHERWISE.exec(text)?.groups;
  return {
    ...{ path, name, machinePath, isInPlace: true, isOfOwnConvention: true },
    date: parts === undefined || namedDateMs(parts) === null ? null : { text, parts },
  };
}

export function machineOf({ machinePath }: RunName): string {
  return machinePath.slice(machinePath.lastIndexOf('/') + 1);
}

/** Whether a folder of such a name holds a run, by the files in it. The tool’s own mark tells; before it is there a definition does, in a folder that lies where
 *  a run lies. `debian-11/debian-11.vmx` is a machine of that name, copied by hand, and `web/web-old` may be a copy by hand, too. */
export function holdsRun(
  { name, isInPlace, isOfOwnConvention }: RunName,
  files: readonly string[],
): boolean {
  if (files.some((file) => STATUS.test(file))) return true;
  return isInPlace && !isOfOwnConvention && holdsOtherDefinition(name, files);
}

function holdsOtherDefinition(name: string, files: readonly string[]): boolean {
  const definitions = files.filter(isDefinition);
  const isOther = (file: string): boolean => file.slice(0, -'.vmx'.length) !== name;
  return definitions.length > 0 && definitions.every(isOther);
}

/** Whether it may be a run under way, of a convention of one's own: nothing but a mark beside it tells that from a copy by hand. */
export function mayHoldRun(
  { name, isOfOwnConvention }: RunName,
  files: readonly string[],
): boolean {
  return isOfOwnConvention && holdsOtherDefinition(name, files);
}

export function isMark(name: string): boolean {
  return STATUS.test(name);
}

export function isDefinition(name: string): boolean {
  return /\.vmx$/i.test(name);
}

export function isOwnFile(name: string): boolean {
  return STATUS.test(name) || OWN_FILE.test(name);
}

/** A packed run lies in the folder of its machine, and is named after it. */
export function isArchiveName(folder: string, name: string): boolean {
  if (!/\.gz$/i.test(name)) return false;
  const run = parseRunName(`${folder}/${name.slice(0, -'.gz'.length)}`);
  return run?.machinePath === folder && !run.isOfOwnConvention;
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
