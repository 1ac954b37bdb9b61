import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, statfsSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** An ext4 without a journal on a loop device whose image lies in a small tmpfs: once that is full the disk answers EIO when the kernel writes back, as
 *  a bad one does. Needs root, e2fsprogs and mount. */
export class FailingDisk {
  private readonly folder = mkdtempSync(join(tmpdir(), 'longhaul-failing-disk-'));
  private readonly memory = join(this.folder, 'memory');
  private readonly image = join(this.memory, 'disk.img');
  private readonly filler = join(this.memory, 'filler');
  readonly path = join(this.folder, 'mounted');

  constructor() {
    for (const folder of [this.memory, this.path]) mkdirSync(folder);
    run('mount', '-t', 'tmpfs', '-o', 'size=48M', 'tmpfs', this.memory);
    run('truncate', '-s', '64M', this.image);
    run('mkfs.ext4', '-q', '-O', '^has_journal', '-E', 'lazy_itable_init=0', this.image);
    run('mount', '-o', 'loop', this.image, this.path);
  }

  /** From now on no block reaches the disk that has none yet. */
  fail(): void {
    run('sync', '-f', this.path);
    const { bavail, bsize } = statfsSync(this.memory);
    writeFileSync(this.filler, Buffer.alloc(bavail * bsize));
  }

  /** Whoever calls `sync` here is told of what failed; true: of nothing. */
  isSyncedBySomebodyElse(): boolean {
    try {
      run('sync', '--file-system', this.path);
      return true;
    } catch {
      return false;
    }
  }

  /** Well again. */
  mend(): void {
    rmSync(this.filler, { force: true });
  }

  /** From here on is read what lies on the disk, and nothing of what the kernel still holds. */
  forgetCache(): void {
    run('umount', this.path);
    run('mount', '-o', 'loop', this.image, this.path);
  }

  remove(): void {
    for (const mounted of [this.path, this.memory])
      execFileSync('umount', ['--lazy', mounted], { stdio: 'ignore' });
    rmSync(this.folder, { recursive: true });
  }
}

/** Whether such a disk can be had here. In CI it must. */
export function canHaveFailingDisk(): boolean {
  try {
    new FailingDisk().remove();
    return true;
  } catch (error) {
    if (process.env['CI'] !== undefined)
      throw new Error('no ext4 can be mounted here, and in CI no test may be skipped', {
        cause: error,
      });
    return false;
  }
}

function run(tool: string, ...args: readonly string[]): void {
  execFileSync(tool, args, { stdio: ['ignore', 'ignore', 'pipe'] });
}
