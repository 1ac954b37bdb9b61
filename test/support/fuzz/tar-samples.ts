import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** A tar as POSIX.1-1988 has it. */
export function tarFile(files: Readonly<Record<string, string | Buffer>>): Buffer {
  const parts = Object.entries(files).flatMap(([name, content]) => {
    const bytes = Buffer.from(content);
    const header = Buffer.alloc(512);
    header.write(name, 0);
    header.write('0000644\0', 100);
    header.write(`${bytes.length.toString(8).padStart(11, '0')}\0`, 124);
    header.write('0', 156);
    header.write('ustar\x0000', 257, 'latin1');
    header.fill(0x20, 148, 156);
    const sum = header.reduce((total, byte) => total + byte, 0);
    header.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148, 'latin1');
    const data = Buffer.alloc(Math.ceil(bytes.length / 512) * 512);
    bytes.copy(data);
    return [header, data];
  });
  return Buffer.concat([...parts, Buffer.alloc(1_024)]);
}

/** How GNU tar is told to leave out zeros in each of its four ways. */
export const SPARSE_WAYS: readonly (readonly string[])[] = [
  ['--format=gnu'],
  ['--format=posix', '--sparse-version=0.0'],
  ['--format=posix', '--sparse-version=0.1'],
  ['--format=posix', '--sparse-version=1.0'],
];

/** Packages with a sparse file before their disk, as GNU tar makes them. */
export function sparsePackages(): Buffer[] {
  const folder = mkdtempSync(join(tmpdir(), 'longhaul-sparse-'));
  try {
    writeFileSync(join(folder, 'web.ovf'), '<Envelope/>');
    const holes = join(folder, 'holes.bin');
    for (let at = 0; at < 6; at++) {
      writeFileSync(holes, `piece ${at}`, { flag: 'a' });
      truncateSync(holes, (at + 1) * 65_536);
    }
    writeFileSync(join(folder, 'disk.img'), Buffer.alloc(65_536, 7));
    return SPARSE_WAYS.map((way) => {
      const names = ['web.ovf', 'holes.bin', 'disk.img'];
      return execFileSync('tar', [...way, '--sparse', '--mtime=@0', '-cf', '-', ...names], {
        cwd: folder,
      });
    });
  } finally {
    rmSync(folder, { recursive: true });
  }
}
