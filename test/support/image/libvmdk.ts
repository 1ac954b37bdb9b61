import { execFile } from 'node:child_process';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** A handle that is a parent must be kept: libvmdk does not. */
const SCRIPT = `
import sys, pyvmdk
chain = []
for path in sys.argv[1:]:
    disk = pyvmdk.handle()
    disk.open(path)
    disk.open_extent_data_files()
    if chain:
        disk.set_parent(chain[-1])
    chain.append(disk)
left = chain[-1].get_media_size()
while left > 0:
    data = chain[-1].read(min(left, 1 << 20))
    sys.stdout.buffer.write(data)
    left -= len(data)
`;

/** The guest disk as libvmdk reads it.
 *  @param paths files of a chain, the full first */
export async function libvmdkBytes(...paths: readonly string[]): Promise<Buffer> {
  const options = { encoding: 'buffer', maxBuffer: 2 ** 28 } as const;
  return (await run('/usr/bin/python3', ['-c', SCRIPT, ...paths], options)).stdout;
}
