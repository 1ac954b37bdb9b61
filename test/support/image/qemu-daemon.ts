import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';

/** Where the images of one machine lie that is on: the lowest first, each builds on the one before it. */
export interface LiveImage {
  readonly path: string;
  readonly format: string;
}

interface Answer {
  readonly error?: { readonly desc: string };
  readonly event?: string;
  readonly return?: unknown;
}

/** Runs one block job as libvirt asks QEMU for it (`virsh blockcommit`, `virsh blockpull`), with the images open as a running machine has them, and ends it.
 *  The node of the image `n` is called `disk<n>`. */
export async function blockJob(
  images: readonly LiveImage[],
  execute: 'block-commit' | 'block-stream',
  settings: Readonly<Record<string, string>>,
): Promise<void> {
  const nodes = images.flatMap(({ path, format }, index) => {
    const backing = index === 0 ? {} : { backing: `disk${index - 1}` };
    const file = { driver: 'file', filename: path };
    return [
      '--blockdev',
      JSON.stringify({ driver: format, 'node-name': `disk${index}`, file, ...backing }),
    ];
  });
  const monitor = ['--chardev', 'stdio,id=monitor', '--monitor', 'chardev=monitor'];
  const daemon = spawn('qemu-storage-daemon', [...nodes, ...monitor]);
  const say = (command: string, given: object = {}) =>
    daemon.stdin.write(`${JSON.stringify({ execute: command, arguments: given })}\n`);
  say('qmp_capabilities');
  const device = `disk${images.length - 1}`;
  say(execute, { 'job-id': 'job', device, ...settings });
  for await (const line of createInterface({ input: daemon.stdout })) {
    const { error, event } = JSON.parse(line) as Answer;
    if (event === 'BLOCK_JOB_READY') say('block-job-complete', { device: 'job' });
    if (event === 'BLOCK_JOB_COMPLETED' || error !== undefined) say('quit');
    if (error !== undefined) throw new Error(error.desc);
  }
  if (daemon.exitCode === null) await once(daemon, 'exit');
}
