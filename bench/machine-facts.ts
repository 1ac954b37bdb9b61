import { readFile, statfs } from 'node:fs/promises';
import { availableParallelism, cpus, release, totalmem, type as systemName } from 'node:os';
import { programVersion } from './commands.js';

/** Each with the words that ask for its version, where these are not `--version`. */
const PEERS = [
  ['qemu-img'],
  ['rsync'],
  ['cp'],
  ['sha256sum'],
  ['rclone'],
  ['restic', 'version'],
] as const;

/** Said, lest a row that is not there be taken for one that is not asked for. */
const missing = (name: string) => `${name} is not installed here, so nothing is compared with it`;

/** What a reader must know to judge the figures, as a list of lines. */
export async function machineFacts(folder: string): Promise<string[]> {
  const gib = (bytes: number) => `${(bytes / 1024 ** 3).toFixed(0)} GiB`;
  const flags = await readFile('/proc/cpuinfo', 'utf8').catch(() => '');
  const hasShaInstructions = /^flags\s*:.*\bsha_ni\b/m.test(flags);
  const tools = await Promise.all(
    PEERS.map(async ([name, ...asked]) => (await programVersion(name, ...asked)) ?? missing(name)),
  );
  return [
    `${availableParallelism()} cores of ${cpus()[0]?.model ?? 'an unknown processor'}, ${hasShaInstructions ? 'with' : 'without'} SHA instructions; ${gib(totalmem())} of memory`,
    `${systemName()} ${release()}, file system type 0x${(await statfs(folder)).type.toString(16)}${await diskKind(folder)}`,
    `Node ${process.version}`,
    tools.join('; '),
  ];
}

/** Kind of the mounted file system, as the longest mount point above the folder tells. */
async function diskKind(folder: string): Promise<string> {
  const mounts = await readFile('/proc/self/mounts', 'utf8').catch(() => '');
  const above = mounts
    .split('\n')
    .map((line) => line.split(' '))
    .filter(([, point = '']) => folder.startsWith(point === '/' ? point : `${point}/`))
    .sort(([, a = ''], [, b = '']) => b.length - a.length);
  return above[0] === undefined ? '' : ` (${above[0][2]})`;
}
