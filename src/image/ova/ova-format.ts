import { parseManifest } from '../../domain/sources/ovf-manifest.js';
import type { ByteSource } from '../byte-source.js';
import { opaqueFormat } from '../file/opaque-format.js';
import { imageFault } from '../image-fault.js';
import type { ImageFormat } from '../image-format.js';
import { plainName } from './member-name.js';
import { OVA_DISKS } from './ova-disks.js';
import { readTarMembers, type TarMember } from './tar-members.js';

/** An OVF package in one file: a tar that travels byte for byte, because a certificate may sign it. It is whole when its headers lead to its two blocks
 *  of zeros, and every file that its manifest names is in it; the digests of the manifest are for who unpacks it, and to compare them would
 *  mean to read all of it at every look.
 *  Source: DSP0243 (OVF 2.1), 2 package and 6 distribution. */
export const OVA: ImageFormat = {
  ...opaqueFormat({ id: 'ova', extension: 'ova', assertWhole }),
  heldDisks: OVA_DISKS,
};

async function assertWhole(source: ByteSource): Promise<void> {
  const members = await readTarMembers(source);
  const names = new Set<string>();
  for (const { name, type, offset } of members) {
    const own = plainName(name);
    if (own === '' && type === FOLDER) continue; // `./`
    if (!(type === FILE || type === FOLDER) || own === null || names.has(own))
      throw imageFault(
        source,
        'IMAGE_CORRUPT',
        `its member ${JSON.stringify(name)} of type ${JSON.stringify(type)} has no place in an OVF package, or is there twice`,
        { offset },
      );
    names.add(own);
  }
  if (!members.some(({ name }) => endsIn(name, '.ovf')))
    throw imageFault(source, 'IMAGE_CORRUPT', 'no OVF descriptor is in it');
  for (const member of members.filter(({ name }) => endsIn(name, '.mf')))
    for (const name of await manifestNames(source, member))
      if (!names.has(name))
        throw imageFault(
          source,
          'IMAGE_CORRUPT',
          `${JSON.stringify(name)}, which its manifest names, is not in it`,
        );
}

const FILE = '0';
const FOLDER = '5';

function endsIn(name: string, ending: string): boolean {
  return name.toLowerCase().endsWith(ending);
}

const MAX_MANIFEST_BYTES = 1024 * 1024;

/** As members are called: a manifest tells of the files beside it. */
async function manifestNames(source: ByteSource, member: TarMember): Promise<string[]> {
  const { name, offset, sizeBytes, isSparse } = member;
  if (isSparse) return [];
  if (sizeBytes > MAX_MANIFEST_BYTES)
    throw imageFault(source, 'IMAGE_LIMIT_EXCEEDED', `${name} takes ${sizeBytes} bytes`, {
      offset,
    });
  const bytes = Buffer.alloc(sizeBytes);
  await source.read(bytes, offset);
  const own = plainName(name) ?? '';
  const folder = own.slice(0, own.lastIndexOf('/') + 1);
  return parseManifest(bytes.toString('utf8')).map((entry) => `${folder}${entry.name}`);
}
