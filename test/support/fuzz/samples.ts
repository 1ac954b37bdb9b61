import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import { compressFrameSync } from 'lz4-napi';
import { PLAIN_DIALECT } from '../../../src/image/disk-image.js';
import { IMAGE_FORMATS } from '../../../src/image/formats.js';
import type { ImageFormat } from '../../../src/image/image-format.js';
import { aixBackupFile } from '../image/aix-backup-file.js';
import { blockOf, composeDisk } from '../image/composed-disk.js';
import { dmgFile } from '../image/dmg-file.js';
import type { FuzzedReader } from './fuzz-reader.js';
import { diskSamples } from './disk-samples.js';
import { PART_READERS } from './part-readers.js';
import { streamFile as virtnbdStream } from '../image/stream-file.js';
import { streamFixture } from '../image/stream-fixture.js';
import { vmaFile } from '../image/vma-file.js';
import { sparsePackages, tarFile } from './tar-samples.js';
import { streamFile } from '../image/vmdk-bytes.js';

/** Files that once broke a reader, by format. `npm run fuzz` adds to them. */
export const KEPT_CRASHES = fileURLToPath(new URL('../../fixtures/fuzz/', import.meta.url));

const MIB = 1024 * 1024;

/** All that is fuzzed, and the small files that are changed: what the composer of a format makes, what other tools make, and files that once broke the
 *  reader. */
export const FUZZED: readonly {
  readonly reader: FuzzedReader;
  readonly samples: () => Promise<Uint8Array[]>;
}[] = [
  ...IMAGE_FORMATS.map((format) => ({ reader: format, samples: () => samplesOf(format) })),
  ...PART_READERS.map(({ reader, samples }) => ({
    reader,
    samples: () => Promise.resolve([...samples, ...keptCrashes(reader.id)]),
  })),
];

async function samplesOf(format: ImageFormat): Promise<Uint8Array[]> {
  const { id } = format;
  const further = FURTHER[id]?.() ?? [];
  return [
    ...(await composedSamples(format)),
    ...(await diskSamples(id)),
    ...further,
    ...keptCrashes(id),
  ];
}

export function keptCrashes(format: string): Buffer[] {
  const folder = join(KEPT_CRASHES, format);
  if (!existsSync(folder)) return [];
  return readdirSync(folder).map((name) => readFileSync(join(folder, name)));
}

/** Of an archive or a stream the composer knows nothing: what it makes is none. */
async function composedSamples({ id, composer, isOpaque }: ImageFormat): Promise<Uint8Array[]> {
  if (composer === null || (isOpaque === true && id !== 'file')) return [];
  const blocks = new Map<number, Uint8Array | 'zero'>([
    [0, blockOf(1)],
    [3, blockOf(2)],
    [4, 'zero'],
  ]);
  const disk = { virtualSizeBytes: MIB, dialect: PLAIN_DIALECT };
  const isWhole = composer.traits(PLAIN_DIALECT, 'full').slotOrder === 'guest';
  const all = isWhole ? new Map([...Array(16).keys()].map((at) => [at, blockOf(at)])) : blocks;
  return [(await composeDisk(composer, { ...disk, blocks: all })).bytes];
}

const FURTHER: Readonly<Record<string, () => Uint8Array[]>> = {
  'vmdk-stream': () => [vmdkStream()],
  vmdk: () => [vmdkStream()],
  virtnbd: () => [
    virtnbdStream({ virtualSize: MIB, frames: FRAMES, compressedBy: 65_536 }),
    virtnbdStream({ virtualSize: MIB, frames: FRAMES, parent: 'virtnbdbackup.0' }),
  ],
  vma: () => [
    vmaFile({ devices: [{ name: 'drive-scsi0', disk: Buffer.alloc(MIB, 7) }] }).bytes,
    vmaFile({
      devices: [
        { name: 'drive-scsi0', disk: Buffer.concat([Buffer.alloc(300_000), Buffer.alloc(MIB, 7)]) },
        { name: 'drive-efidisk0', disk: Buffer.alloc(540_672, 5) },
      ],
      ...{ config: 'name: web01\n', isWoven: true },
    }).bytes,
  ],
  gzip: () => [gzipSync(PACKED), Buffer.concat([gzipSync('web01'), gzipSync(PACKED)])],
  zstd: () => [Buffer.from(ZSTD_FRAME, 'base64')],
  lz4: () => [compressFrameSync(PACKED)],
  xz: () => [Buffer.from(XZ_STREAM, 'base64')],
  lzop: () => [Buffer.from(LZOP_FILE, 'base64')],
  bzip2: () => [Buffer.from(BZIP2_FILE, 'base64')],
  tar: () => [packageFile(), ...sparsePackages()],
  ova: () => [packageFile(), ...sparsePackages()],
  'zfs-stream': () => [streamFixture('one.zfs'), streamFixture('replicated.zfs')],
  dump: () => [streamFixture('one.dump'), streamFixture('multi-terabyte.dump')],
  dmg: () => [dmgFile(PACKED)],
  'aix-backup': () => [aixBackupFile({ './a': PACKED })],
};

const PACKED = Buffer.from('a backup of web01, '.repeat(500));
/** Lines of text, packed by zstd 1.5, xz 5.4, lzop 1.04 and bzip2 1.0.8. */
const ZSTD_FRAME =
  'KLUv/QRY9QEAgoUNEbA1HcBwDwNATUTIFoE5mtMBihLNM80sk8wxa24+xUR71mxZsmNrt69Y5NFYJA7LucCQUiAEAQCZSxEwEjlb';
const XZ_STREAM =
  '/Td6WFoAAATm1rRGAgAhARYAAAB0L+Wj4AAXAAxdADQZSe6N6VYKwSGwAABsFO0bO2i7kQABKBjXg7duH7bzfQEAAAAABFla';
const LZOP_FILE =
  'iUxaTwANChoKEEAgoAlAAQUDAAANAAAAAGsIkicAAAAAAChHApwAAABpAAAAYfu2FB8DaGVsbG8gLxQAAEAKMQoyCjMKNAo1CjYKNwo4CjkKMTAKMTEKMTIKMTMKMTQKMTUKMTYKMTcKMTgKMTkKMjAKMjEKMjIKMjMKMjQKMjUKMjYKMjcKMjgKMjkKMzAKEQAAAAAAAA==';

const BZIP2_FILE =
  'QlpoMTFBWSZTWRNZg/EAAx+ZgEAEYAA7CMKAIACQIAAAUqmibU09T04EXQi0IvBF2IsiLIiyIsCLwRYEWRFsRfxFoRdCLYi2IsCL0XckU4UJATWYPxA=';

const FRAMES = [
  { start: 0, data: Buffer.alloc(131_072, 7) },
  { start: 262_144, data: 65_536 },
  { start: 400_000, data: Buffer.alloc(5_000, 9) },
];

function vmdkStream(): Buffer {
  const grains = new Map([[0, Buffer.alloc(65_536, 7)]]);
  return streamFile({ sectors: 2_048, grains, shape: 'footer' as const });
}

function packageFile(): Buffer {
  const texts = { 'web.ovf': '<Envelope/>', 'web.mf': 'SHA1(web.ovf)= 00\n' };
  return tarFile({ ...texts, 'd.vmdk': vmdkStream() });
}
