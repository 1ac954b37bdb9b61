import type { ClaimedFile } from '../backup-layout.js';

/** A stream of one disk, by its name. */
export interface StreamName {
  readonly disk: string;
  /** `copy`: a full outside the chain of checkpoints, or a raw disk beside a full. */
  readonly level: 'full' | 'copy' | 'inc' | 'diff';
  /** Of `inc` the checkpoint, of `diff` the second (since 1970) in which the copy of this disk began. */
  readonly ident: string;
}

/** `<disk>`: as the domain knows it (`<target dev>`), one of an NVMe bus as `nvme0n1` (libvirt 11). Compared whole, where the tool's own pattern for `vda` matches `vdaa` as well. */
const STREAM =
  /^(?<disk>[a-z]+\d*(?:n\d+)?)\.(?:(?<level>full|copy)|inc\.(?<checkpoint>virtnbdbackup\.\d+)|diff\.(?<epoch>\d{10}))\.data$/;

/** null: no stream. */
export function parseStreamName(name: string): StreamName | null {
  const groups = STREAM.exec(name)?.groups;
  if (groups === undefined) return null;
  const { disk = '', level, checkpoint, epoch } = groups;
  if (level === 'full' || level === 'copy') return { disk, level, ident: level };
  return checkpoint === undefined
    ? { disk, level: 'diff', ident: epoch ?? '' }
    : { disk, level: 'inc', ident: checkpoint };
}

/** Machine definition, disk facts, saved firmware and boot files: each ends in, or holds, what its run calls itself (a checkpoint, `copy`, a second). */
const OF_RUN =
  /^(?:vmconfig\.(?<config>.+)\.xml|[a-z]+\d*(?:n\d+)?\.(?<facts>.+)\.qcow\.json|.+\.(?<saved>virtnbdbackup\.\d+|copy|\d{10}))$/;

/** Firmware, its variables, kernel and initial disk as a `copy` saves them: under the names that they have on the host, without its own. Those that
 *  people give such files; which of them are meant its definition says. */
const BOOT_FILE =
  /\.(?:fd|bin|rom|elf|nvram)$|[-_](?:vars|code)\b[^/]*\.(?:qcow2|raw|img)$|^(?:vmlinu[xz]|bzimage|initrd|initramfs)/i;

export const COPY_DEFINITION = 'vmconfig.copy.xml';

export function mayBeBootFile(name: string): boolean {
  return BOOT_FILE.test(name);
}

/** What the run calls itself that wrote this companion; null: it is none. */
export function runOfCompanion(name: string): string | null {
  const groups = OF_RUN.exec(name)?.groups;
  return groups?.config ?? groups?.facts ?? groups?.saved ?? null;
}

const FACTS = /^(?<disk>[a-z]+\d*(?:n\d+)?)\.(?<ident>.+)\.qcow\.json$/;

/** Disk whose facts this file holds, if a run of one of these names has noted them; null: it is no such file. */
export function diskOfFacts(name: string, idents: readonly string[]): string | null {
  const { disk, ident } = FACTS.exec(name)?.groups ?? {};
  return disk !== undefined && ident !== undefined && idents.includes(ident) ? disk : null;
}

/** `.cpt`: the checkpoints of the folder. `.log`: one for each run. `.chksum`: of a stream as the tool wrote it (`checksum.ts`). */
const OF_FOLDER = /^(?:.+\.cpt|backup\.[a-z]+\.\d{14}\.log|.+\.data\.chksum)$/;

export function isOfTool(name: string): boolean {
  return parseStreamName(name) !== null || runOfCompanion(name) !== null || OF_FOLDER.test(name);
}

export const CHECKPOINT_FOLDER = 'checkpoints';

export function checkpointFile(
  files: readonly ClaimedFile[],
  checkpoint: string,
): ClaimedFile | null {
  return files.find(({ within }) => within === `${CHECKPOINT_FOLDER}/${checkpoint}.xml`) ?? null;
}

/** List of checkpoints, and logs. */
export function isCheckpointList(name: string): boolean {
  return name.endsWith('.cpt');
}
