import type { ByteSource } from '../byte-source.js';
import type { DiskImage } from '../disk-image.js';
import { checkInside, imageFault } from '../image-fault.js';
import type { HeldDisks, ImageFormat } from '../image-format.js';
import { QCOW2 } from '../qcow2/qcow2-format.js';
import { RAW } from '../raw/raw-format.js';
import { VHD } from '../vhd/vhd-format.js';
import { VHDX } from '../vhdx/vhdx-format.js';
import { VMDK } from '../vmdk/vmdk-format.js';
import { plainName } from './member-name.js';
import { readTarMembers, type TarMember } from './tar-members.js';

/** Formats that the standard and its users put into packages, by the ending of the name. A raw disk is what ends so, whatever a guest has written into it. */
const FORMATS: Readonly<Record<string, Pick<ImageFormat, 'open'>>> = {
  vmdk: VMDK,
  vhd: VHD,
  vhdx: VHDX,
  qcow2: QCOW2,
  raw: RAW,
  img: RAW,
};

const FILE = '0';

/** What a package holds besides its disks. Nothing but its descriptor says what else is none, so whatever is not among these may be one. */
const NO_DISK =
  /(?:^|\/)[^/]+\.(?:ovf|mf|cert|nvram|iso|xml|vmx|vmxf|vmsd|json|ya?ml|txt|md|log|pem|html?|pdf|sha\d*)$/i;

/** Disks of a package, read where they lie in it. One that is compressed as a whole, in chunks, with its zeros left out, or of another format is none of these: it is
 *  told as not read. */
export const OVA_DISKS: HeldDisks = {
  list: async (source) =>
    (await readTarMembers(source)).flatMap((member) =>
      formatOf(member) === undefined ? [] : [plainName(member.name)!],
    ),
  unread: async (source) =>
    (await readTarMembers(source)).flatMap((member) =>
      member.type !== FILE || NO_DISK.test(member.name) || formatOf(member) !== undefined
        ? []
        : [plainName(member.name) ?? member.name],
    ),
  open: async (source, name): Promise<DiskImage> => {
    const members = await readTarMembers(source);
    const member = members.find((each) => plainName(each.name) === name);
    const format = member === undefined ? undefined : formatOf(member);
    if (member === undefined || format === undefined)
      throw imageFault(source, 'IMAGE_EXTENT_MISSING', `holds no disk ${JSON.stringify(name)}`, {
        name,
      });
    return format.open(bytesOf(source, member));
  },
};

function formatOf({ name, type, isSparse }: TarMember): Pick<ImageFormat, 'open'> | undefined {
  if (type !== FILE || isSparse || plainName(name) === null) return undefined;
  return FORMATS[name.slice(name.lastIndexOf('.') + 1).toLowerCase()];
}

/** A member as a file of its own. */
function bytesOf(source: ByteSource, { name, offset, sizeBytes }: TarMember): ByteSource {
  const member: ByteSource = {
    label: `${source.label} (${name})`,
    sizeBytes,
    sameness: source.sameness === undefined ? undefined : `${source.sameness} ${offset}`,
    read: async (target, at) => {
      checkInside(member, 'what is read', at, target.length);
      await source.read(target, offset + at);
    },
  };
  return member;
}
