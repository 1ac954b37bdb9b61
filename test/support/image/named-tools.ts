import { execFile } from 'node:child_process';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** The tool that says, apart from equal bytes, that a file is what its name says: by format of the copy, with its arguments before the file. Other formats have
 *  none here, or are read by theirs (`libvhdi`, `virtnbdrestore`). */
const TOOLS: Readonly<Record<string, readonly [program: string, ...string[]]>> = {
  qcow2: ['qemu-img', 'check', '-f', 'qcow2'],
  vmdk: ['qemu-img', 'check', '-f', 'vmdk'],
  'vmdk-stream': ['qemu-img', 'check', '-f', 'vmdk'],
  ova: ['tar', '--list', '--file'],
  tar: ['tar', '--list', '--file'],
  gzip: ['gzip', '--test'],
  zstd: ['zstd', '--test', '--quiet'],
  lzop: ['lzop', '--test'],
};

/** What the tool has against the file; null: nothing, or there is no tool. */
export async function toolFault(format: string, path: string): Promise<string | null> {
  const [program, ...args] = TOOLS[format] ?? [];
  if (program === undefined) return null;
  const fault = await faultOf(program, [...args, path]);
  return fault ?? (format === 'ova' ? packedDiskFault(path) : null);
}

/** What qemu-img has against the disks in a package, once tar has unpacked it. */
async function packedDiskFault(path: string): Promise<string | null> {
  const folder = await mkdtemp(join(tmpdir(), 'longhaul-package-'));
  try {
    await run('tar', ['--extract', '--file', path, '--directory', folder]);
    const disks = (await readdir(folder)).filter((name) => /\.(?:vmdk|qcow2)$/.test(name));
    if (disks.length === 0) return `${path} holds no disk`;
    for (const name of disks) {
      const format = name.slice(name.lastIndexOf('.') + 1);
      const fault = await faultOf('qemu-img', ['check', '-f', format, join(folder, name)]);
      if (fault !== null) return fault;
    }
    return null;
  } finally {
    await rm(folder, { recursive: true });
  }
}

/** As `sha256sum --check` has it of a manifest of an OVF package (DSP0243, 5.1: `SHA256(name)= digest`).
 *  @param pathOf where the copy has the file of that name */
export async function manifestFault(
  manifest: string,
  pathOf: (name: string) => string,
): Promise<string | null> {
  const lines = [...manifest.matchAll(/^SHA256\((.+)\)= ?([0-9a-f]{64})$/gm)];
  if (lines.length === 0) return 'the manifest names no file';
  const sums = lines.map(([, name, digest]) => `${digest!}  ${pathOf(name!)}\n`).join('');
  const check = 'printf %s "$1" | sha256sum --check --strict --quiet -';
  return faultOf('sh', ['-c', check, 'sh', sums]);
}

async function faultOf(program: string, args: readonly string[]): Promise<string | null> {
  try {
    await run(program, args);
    return null;
  } catch (error) {
    return `${program}: ${String((error as { stderr?: string }).stderr ?? error)}`;
  }
}
