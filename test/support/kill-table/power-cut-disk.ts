import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** EXT4_IOC_SHUTDOWN with EXT4_GOING_FLAGS_NOLOGFLUSH: from now on nothing reaches the disk, not even the journal in memory.
 *  Source: Linux fs/ext4/ext4.h. */
const SHUT_DOWN = `
import fcntl, os, struct, sys
fd = os.open(sys.argv[1], os.O_RDONLY)
fcntl.ioctl(fd, 0x8004587d, struct.pack('I', 2))
`;

/** A small ext4 of its own on a loop device, whose power can be cut. Needs root, e2fsprogs, mount and Python. */
export class PowerCutDisk {
  private readonly folder = mkdtempSync(join(tmpdir(), 'longhaul-power-cut-'));
  private readonly image = join(this.folder, 'disk.img');
  readonly path = join(this.folder, 'mounted');
  private isMounted = false;

  constructor() {
    mkdirSync(this.path);
    run('truncate', '-s', '64M', this.image);
    run('mkfs.ext4', '-q', this.image);
    this.mount();
  }

  private mount(): void {
    run('mount', '-o', 'loop', this.image, this.path);
    this.isMounted = true;
  }

  private unmount(): void {
    if (this.isMounted) run('umount', this.path);
    this.isMounted = false;
  }

  /** Everything so far becomes durable. */
  settle(): void {
    run('sync', '-f', this.path);
  }

  /** What was not synced is gone; the disk is there again afterwards, as after the next start. */
  cutPower(): void {
    run('python3', '-c', SHUT_DOWN, this.path);
    this.unmount();
    this.mount();
  }

  remove(): void {
    this.unmount();
    rmSync(this.folder, { recursive: true });
  }
}

/** Whether such a disk can be had here. In CI it must. */
export function canCutPower(): boolean {
  try {
    new PowerCutDisk().remove();
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
