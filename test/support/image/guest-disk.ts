const MIB = 1024 * 1024;
const BLOCK = 65_536;

/** A disk of 4 MiB as it is on a day: some of it stays, some is different each day, some is zeros from the second day on.
 *  @param machine another one, other bytes */
export function guestDisk(machine: number, day: number): Buffer {
  const disk = Buffer.alloc(4 * MIB);
  const fill = (block: number, seed: number) => {
    let state = (seed * 2_654_435_761) >>> 0;
    for (let at = block * BLOCK; at < (block + 1) * BLOCK; at += 4) {
      state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
      disk.writeUInt32LE(state, at);
    }
  };
  for (const block of [0, 1, 7, 16, 33]) fill(block, machine * 1_000 + block);
  for (const block of [2, 40, 63]) fill(block, machine * 1_000 + day * 100 + block);
  if (day === 1) fill(20, machine);
  return disk;
}
