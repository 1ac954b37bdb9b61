import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import { compressFrameSync } from 'lz4-napi';
import { PLAIN_DIALECT } from '../../../src/image/disk-image.js';
import type { ImageFormat } from '../../../src/image/image-format.js';
import { blockOf, composeDisk } from '../image/composed-disk.js';
import { aixBackupFile } from '../image/aix-backup-file.js';
import { dmgFile } from '../image/dmg-file.js';
import { streamFile as virtnbdStream } from '../image/stream-file.js';
import { streamFixture } from '../image/stream-fixture.js';
import { vmaFile } from '../image/vma-file.js';
import { streamFile } from '../image/vmdk-bytes.js';

/** Files that once broke a reader, by format. `npm run fuzz` adds to them. */
export const KEPT_CRASHES = fileURLToPath(new URL('../../fixtures/fuzz/', import.meta.url));

const MIB = 1024 * 1024;

/** Small files of a format: what its own composer makes, and what none of its composer is. */
export async function samplesOf(format: ImageFormat): Promise<Uint8Array[]> {
  const further = FURTHER[format.id]?.() ?? [];
  return [...(await composedSamples(format)), ...further, ...keptCrashes(format.id)];
}

export function keptCrashes(format: string): Buffer[] {
  const folder = join(KEPT_CRASHES, format);
  if (!existsSync(folder)) return [];
  return readdirSync(folder).map((name) => readFileSync(join(folder, name)));
}

async function composedSamples({ composer }: ImageFormat): Promise<Uint8Array[]> {
  if (composer === null) return [];
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
  vma: () => [vmaFile({ devices: [{ name: 'drive-scsi0', disk: Buffer.alloc(MIB, 7) }] }).bytes],
  gzip: () => [gzipSync(PACKED), Buffer.concat([gzipSync('web01'), gzipSync(PACKED)])],
  zstd: () => [Buffer.from(ZSTD_FRAME, 'base64')],
  lz4: () => [compressFrameSync(PACKED)],
  xz: () => [Buffer.from(XZ_STREAM, 'base64')],
  lzop: () => [Buffer.from(LZOP_FILE, 'base64')],
  bzip2: () => [Buffer.from(BZIP2_FILE, 'base64')],
  tar: () => [packageFile()],
  ova: () => [packageFile()],
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

/** A tar as POSIX.1-1988 has it. */
function tarFile(files: Readonly<Record<string, string | Buffer>>): Buffer {
  const parts = Object.entries(files).flatMap(([name, content]) => {
    const bytes = Buffer.from(content);
    const header = Buffer.alloc(512);
    header.write(name, 0);
    header.write('0000644\0', 100);
    header.write(`${bytes.length.toString(8).padStart(11, '0')}\0`, 124);
    header.write('0ustar\x0000', 156, 'latin1');
    header.fill(0x20, 148, 156);
    const sum = header.reduce((total, byte) => total + byte, 0);
    header.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148, 'latin1');
    const data = Buffer.alloc(Math.ceil(bytes.length / 512) * 512);
    bytes.copy(data);
    return [header, data];
  });
  return Buffer.concat([...parts, Buffer.alloc(1_024)]);
}

function packageFile(): Buffer {
  const texts = { 'web.ovf': '<Envelope/>', 'web.mf': 'SHA1(web.ovf)= 00\n' };
  return tarFile({ ...texts, 'd.vmdk': vmdkStream() });
}
