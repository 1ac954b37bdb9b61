import { ALL_ALLOWED, type WorkloadTypeFacts } from '../../domain/sources/workload-rules.js';
import type { DatedName } from '../names/dated-name.js';
import { fileStart } from '../file-start.js';
import { loneIds } from '../images/single-file.js';
import { singleFilesLayout } from '../images/single-files.js';

export const LIBVIRT_TYPE: WorkloadTypeFacts = {
  id: 'libvirt-kvm',
  title: 'KVM with libvirt',
  rules: ALL_ALLOWED,
};

/** `<file of the disk>.<seconds since 1970>`. */
const NAME = /^(?<disk>.+\.(?:qcow2|raw|img))\.(?<seconds>1\d{9})$/;
const QCOW2_MAGIC = 'QFI\xfb';

/** Push backups under the names that libvirt gives them where nobody has (`virsh backup-begin` without a file of XML): each a full of one disk, in qcow2
 *  unless the XML says otherwise, and a workload of its own: nothing tells which disks are those of one machine. Where there is a checkpoint its name stands in
 *  place of the seconds, and nothing tells an increment from a full: those are not found here.
 *  Source: libvirt src/conf/backup_conf.c, virDomainBackupDefAssignStore; virsh(1), backup-begin. */
export const libvirtDefaultNamesLayout = singleFilesLayout({
  name: 'libvirt-default-names',
  restoredWith: '`qemu-img convert -O qcow2 vda.qcow2 web01.qcow2`',
  type: LIBVIRT_TYPE,
  prefix: 'libvirt-disk',
  pattern: NAME,
  formats: { '': 'qcow2' },
  dateIn: datedBySeconds,
  // The disk beside it is set apart (`set-apart.ts`), and was not before the first push.
  idsOfOriginal: (folder, disk) =>
    // A qcow2 file that builds on a raw disk is listed with that.
    (/\.qcow2$/.test(disk) ? ['disk', 'raw'] : ['raw']).flatMap((prefix) =>
      loneIds(prefix, folder, disk),
    ),
  isOther: async (facts, entry) => {
    const start = await fileStart(facts, entry);
    return 'value' in start && !start.value.startsWith(QCOW2_MAGIC);
  },
});

function datedBySeconds(name: string): DatedName | null {
  const { disk, seconds } = NAME.exec(name)?.groups ?? {};
  if (disk === undefined || seconds === undefined) return null;
  return { stem: disk, date: seconds, createdAtMs: Number(seconds) * 1_000 };
}
