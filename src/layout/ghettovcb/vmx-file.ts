import type { RepositoryEntry } from '../../repository/backup-repository.js';
import type { FolderFacts } from '../file-facts.js';
import { faultOfError, type Finding } from '../point-fault.js';
import { readText } from '../xml-file.js';

/** What a VMware machine definition says of the machine's disks. */
interface VmxFacts {
  /** In the order of controllers and units. */
  readonly disks: readonly VmxDisk[];
  /** The definition is encrypted, and with it the list of disks. */
  readonly isEncrypted: boolean;
}

export interface VmxDisk {
  /** Where the machine has it: `scsi0:1`. */
  readonly node: string;
  /** As the definition names it: a name beside the definition, or an absolute path on the host. Data, never opened. */
  readonly fileName: string;
  /** Snapshots leave it out, and so do tools that copy from snapshots. */
  readonly isIndependent: boolean;
}

const LINE = /^\s*(?<key>[\w.:-]+)\s*=\s*"(?<value>[^"]*)"\s*$/;
const FILE_NAME = /^(?<bus>ide|sata|scsi|nvme)(?<controller>\d{1,3}):(?<unit>\d{1,3})\.filename$/;
const BUSES = ['ide', 'sata', 'scsi', 'nvme'];
/** Unit of the controller itself. */
const SCSI_OWN_UNIT = 7;

/** Keys are read whatever their case, as VMware does. */
export function readVmx(facts: FolderFacts, entry: RepositoryEntry): Promise<Finding<VmxFacts>> {
  return facts.fact(entry, 'disks of vmx', async () => {
    try {
      const text = await readText(facts.repository, entry.path);
      return 'fault' in text ? text : { value: parseVmx(text.value) };
    } catch (error) {
      return faultOfError(error);
    }
  });
}

export function parseVmx(text: string): VmxFacts {
  const values = new Map<string, string>();
  for (const line of text.split('\n')) {
    const { key, value } = LINE.exec(line)?.groups ?? {};
    if (key !== undefined && value !== undefined) values.set(key.toLowerCase(), unescaped(value));
  }
  const found: (VmxDisk & { readonly order: number })[] = [];
  for (const [key, fileName] of values) {
    const { bus = '', controller, unit } = FILE_NAME.exec(key)?.groups ?? {};
    const node = `${bus}${controller ?? ''}:${unit ?? ''}`;
    const of = (name: string): string => (values.get(`${node}.${name}`) ?? '').toLowerCase();
    const isDisk =
      bus !== '' &&
      !(bus === 'scsi' && Number(unit) === SCSI_OWN_UNIT) &&
      /\.vmdk$/i.test(fileName) &&
      of('present') !== 'false' &&
      !of('devicetype').includes('cdrom');
    if (!isDisk) continue;
    const order = (BUSES.indexOf(bus) * 1_000 + Number(controller)) * 1_000 + Number(unit);
    found.push({ node, fileName, isIndependent: of('mode').startsWith('independent'), order });
  }
  return {
    disks: found
      .sort((a, b) => a.order - b.order)
      .map(({ node, fileName, isIndependent }) => ({ node, fileName, isIndependent })),
    isEncrypted: values.has('encryption.data'),
  };
}

/** `|22` is a quotation mark. */
function unescaped(value: string): string {
  return value.replaceAll(/\|([0-9A-Fa-f]{2})/g, (_, code: string) =>
    String.fromCharCode(Number.parseInt(code, 16)),
  );
}
