import type { FormatId } from '../../domain/sources/source-workload.js';

/** What the name of a file of vzdump says. Source: proxmox/pve-storage src/PVE/Storage.pm (parse_volume_filename), Storage/Plugin.pm */
export interface VzdumpName {
  /** `vzdump-qemu-100-2026_11_24-06_30_00`. */
  readonly base: string;
  readonly machine: 'qemu' | 'lxc' | 'openvz';
  readonly vmid: string;
  /** Local time of the node, without a zone: taken for UTC. */
  readonly createdAtMs: number;
  readonly role: 'archive' | 'unfinished' | 'log' | 'notes' | 'protected';
  /** Of an archive. */
  readonly format: FormatId;
}

const NAME =
  /^(?<base>vzdump-(?<machine>qemu|lxc|openvz)-(?<vmid>[1-9]\d{2,8})-(?<Y>\d{4})_(?<M>\d\d)_(?<D>\d\d)-(?<h>\d\d)_(?<m>\d\d)_(?<s>\d\d))\.(?<rest>.+)$/;
const ARCHIVE = /^(?:tgz|(?:tar|vma)(?:\.(?:gz|lzo|zst|bz2))?)$/;
/** Beside an archive, named after it. */
const FLAG = /^(?<archive>.+)\.(?<role>notes|protected)$/;
/** The last ending is replaced while the archive is written. */
const UNFINISHED = /^(?:.+\.)?dat$/;

const FORMATS: Readonly<Record<string, FormatId>> = {
  vma: 'vma',
  tar: 'tar',
  tgz: 'gzip',
  gz: 'gzip',
  lzo: 'lzop',
  zst: 'zstd',
  bz2: 'bzip2',
};

/** null: no file of vzdump. */
export function parseVzdumpName(name: string): VzdumpName | null {
  const groups = NAME.exec(name)?.groups;
  if (groups === undefined) return null;
  const { base = '', machine, vmid = '', Y, M, D, h, m, s, rest = '' } = groups;
  const role = roleOf(rest);
  if (role === null) return null;
  const createdAtMs = Date.UTC(
    ...([Number(Y), Number(M) - 1, Number(D), Number(h), Number(m), Number(s)] as const),
  );
  const format = FORMATS[rest.slice(rest.lastIndexOf('.') + 1)] ?? '';
  return { base, machine: machine as VzdumpName['machine'], vmid, createdAtMs, role, format };
}

function roleOf(rest: string): VzdumpName['role'] | null {
  if (ARCHIVE.test(rest)) return 'archive';
  if (rest === 'log') return 'log';
  if (UNFINISHED.test(rest)) return 'unfinished';
  const flag = FLAG.exec(rest)?.groups;
  if (flag === undefined || !ARCHIVE.test(flag.archive ?? '')) return null;
  return flag.role === 'notes' ? 'notes' : 'protected';
}
