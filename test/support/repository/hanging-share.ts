import { spawnSync } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';

/** A share whose server stands still: every call to it blocks, uninterruptibly but for a kill, until it is taken away. It is a FUSE file system whose
 *  program never answers the kernel, mounted over a folder. Needs root, and `mount` (util-linux). */
export class HangingShare {
  #device: number | null;

  private constructor(
    private readonly folder: string,
    device: number,
  ) {
    this.#device = device;
  }

  /** @param folder is hidden by the share; what has its files open reads on */
  static over(folder: string): HangingShare {
    const device = openSync('/dev/fuse', 'r+');
    const options = 'fd=3,rootmode=40000,user_id=0,group_id=0';
    const mounted = spawnSync('mount', ['-i', '-t', 'fuse', '-o', options, 'hanging', folder], {
      stdio: ['ignore', 'pipe', 'pipe', device],
      encoding: 'utf8',
    });
    if (mounted.status !== 0) {
      closeSync(device);
      throw new Error(`a share that hangs could not be mounted: ${mounted.stderr}`);
    }
    return new HangingShare(folder, device);
  }

  /** What waits gets an error, and the folder is as before. A repeat does nothing. */
  end(): void {
    if (this.#device === null) return;
    closeSync(this.#device);
    this.#device = null;
    spawnSync('umount', ['--lazy', this.folder]);
  }
}
