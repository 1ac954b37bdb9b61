import { execFile } from 'node:child_process';
import { readFile, rm } from 'node:fs/promises';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** Debian's own: the package python3-libvhdi is for no other. */
const PYTHON = '/usr/bin/python3';

const READ_CHAIN = `
import sys, pyvhdi
offset, length, *paths, out = sys.argv[1:]
files = []
for path in paths:
    file = pyvhdi.file()
    file.open(path)
    if files and files[-1].get_disk_type() != 4:
        break
    if files:
        files[-1].set_parent(file)
    files.append(file)
top = files[0]
top.seek_offset(int(offset), 0)
left = int(length) or top.get_media_size()
with open(out, 'wb') as raw:
    while raw.tell() < left:
        raw.write(top.read(min(1 << 20, left - raw.tell())))
`;

/** The guest disk as libvhdi reads it through a chain of VHD or VHDX files. libvhdi replays no logs, and misreads a differencing VHD whose
 *  sector bitmap has a byte that is neither 00 nor ff, and a differencing VHDX without a sector bitmap: it takes one from the start of the file.
 *  @param paths the top first; what lies below a full is passed over */
export async function libvhdiBytes(...paths: readonly string[]): Promise<Buffer> {
  return libvhdiPart(0, 0, ...paths);
}

/** A part of that disk. */
export async function libvhdiPart(
  offset: number,
  length: number,
  ...paths: readonly string[]
): Promise<Buffer> {
  const raw = `${paths[0] ?? ''}.libvhdi`;
  await run(PYTHON, ['-c', READ_CHAIN, `${offset}`, `${length}`, ...paths, raw]);
  const bytes = await readFile(raw);
  await rm(raw);
  return bytes;
}
