import { ALL_ALLOWED } from '../../domain/sources/workload-rules.js';
import { descriptorOfExtent } from '../ghettovcb/names.js';
import { orPacked, packed } from '../names/packed-endings.js';
import { singleFilesLayout } from '../images/single-files.js';

/** Instances and images that Amazon EC2 has exported: `<prefix>export-<i|ami>-<id>.<ova|vmdk|vhd|raw>`. The id is that of the export and not of the
 *  machine, and the prefix is anybody's choice, so that each file is a workload of its own.
 *  Source: VM Import/Export user guide, export-instance. */
export const ec2ExportLayout = singleFilesLayout({
  name: 'ec2-export',
  restoredWith: '`aws ec2 import-image`, from a bucket',
  type: { id: 'amazon-ec2', title: 'Amazon EC2', rules: ALL_ALLOWED },
  prefix: 'ec2',
  pattern: /export-(?:i|ami)-[0-9a-f]{8,17}\.[a-z]+$/i,
  // An import takes streams alone, so a disk of VMware stays what it is.
  formats: { ova: 'ova', vmdk: 'vmdk-stream', vhd: 'vhd', raw: 'raw' },
  isDated: false,
  // In capitals they were no exports of it.
  otherPrefix: { vmdk: 'disk', vhd: 'vhd', raw: 'raw', ova: 'ova' },
});

/** VHD files that lie alone: managed disks of Azure as they are downloaded (fixed), and those of anybody else, which no name tells from them; VHDX
 *  files of Disk2vhd, of WSL, of exports of clouds; either with differencing files of checkpoints beside it. */
export const vhdImageLayout = singleFilesLayout({
  name: 'vhd-image',
  restoredWith: '`az disk create`, or what takes such disks',
  type: { id: 'vhd-image', title: 'VHD images (Azure disks and others)', rules: ALL_ALLOWED },
  prefix: 'vhd',
  formats: { ...orPacked({ vhd: 'vhd', vhdx: 'vhdx' }), avhd: 'vhd', avhdx: 'vhdx' },
  linked: { vhd: 'vhd', vhdx: 'vhdx' },
});

/** Packed tars, and images of Google Cloud among them: `disk.raw` in a tar of the sparse form of GNU, compressed (`.tar.gz`), which nothing but its
 *  unpacked content tells from any other. Of a tar that is not compressed no end is read here, so it is not taken. Source: Compute Engine, export an image. */
export const gcpImageLayout = singleFilesLayout({
  name: 'gcp-image',
  restoredWith: '`tar xf`; of Google Cloud `gcloud compute images create`, from a bucket',
  type: {
    id: 'google-cloud',
    title: 'Archives (Google Cloud images and others)',
    rules: ALL_ALLOWED,
  },
  prefix: 'gcp',
  formats: { ...packed(['tar']), tgz: 'gzip', tzst: 'zstd', txz: 'xz', tbz2: 'bzip2' },
});

/** Disks of VMware and of QEMU that lie alone: exports of clouds, downloads, copies of datastores. A VMDK in one file travels byte for byte, whatever
 *  its kind is; one in parts is made one file, and so are a VMDK and what builds on it, which are points of one disk. */
export const diskImageLayout = singleFilesLayout({
  name: 'disk-image',
  restoredWith: '`qemu-img convert`, or what takes such disks',
  type: { id: 'disk-image', title: 'Disk images (VMDK, qcow2)', rules: ALL_ALLOWED },
  prefix: 'disk',
  pattern: /(?<!-ctk)\.(?:vmdk|qcow2)(?:\.\w+)?$/i,
  formats: orPacked({ vmdk: 'vmdk-stream', qcow2: 'qcow2' }),
  linked: { 'vmdk-stream': 'vmdk', vmdk: 'vmdk', qcow2: 'qcow2' },
  inParts: { imageOf: descriptorOfExtent, format: 'vmdk' },
  // A disk stays the workload that it is when a snapshot is put on it.
  leavesWhatIsOn: { disk: /\.(?:raw|img|dd)$/i, format: 'raw' },
  otherPrefix: { qcow2: 'raw' },
});
