import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { createReadStream, existsSync } from 'node:fs';
import { cp, mkdtemp, mkdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { chainFolder } from '../chain/chain-paths.js';
import { availablePoints } from '../chain/chain-record.js';
import { runCommand } from '../cli/program.js';
import { displayText } from '../cli/display/display-text.js';
import { print } from '../cli/display/print.js';
import { parseConfig } from '../config/load-config.js';
import { findChains } from '../chain/find-chains.js';
import { openDirectoryRepository } from '../repository/directory/directory-repository.js';
import { processTerminal } from './process-terminal.js';
import { runUntilSignal } from './run-until-signal.js';
import { ALL_PARTS, createLogger, startService, type Service } from './service.js';

const run = promisify(execFile);
const JOB = 'demo';

/** `longhaul demo`: copies a real backup chain between two folders on embedded defaults, checks every byte of the copy, and shows how it is
 *  restored without Longhaul. Everything stays in one new folder. */
export async function runDemo(): Promise<number> {
  const site = await mkdtemp(join(tmpdir(), 'longhaul-demo-'));
  const say = (text: string): void => print(processTerminal(process.env), displayText(text));
  await cp(demoData(), join(site, 'primary'), { recursive: true });
  await mkdir(join(site, 'offsite'));
  const config = parseConfig(demoConfig(), {
    name: 'the demo',
    folder: site,
    environment: { LONGHAUL_LOG_LEVEL: 'error' },
  });
  say(
    `Primary repository   ${join(site, 'primary')}   (made by libvirt: a full and two increments)`,
  );
  say(`Off-site repository  ${join(site, 'offsite')}   (empty)`);
  say('Starting Temporal, the workers and the API …');
  const service = await startService(config, ALL_PARTS, createLogger('error'), process.env);
  try {
    say(`Temporal UI          ${service.temporalUiUrl ?? ''}`);
    const longhaul = (...words: string[]): Promise<number> => command(service.url!, words);
    const job = [
      '--name',
      JOB,
      '--source',
      'primary',
      '--target',
      'offsite',
      '--schedule',
      'manual',
      '--max-lag',
      '24',
    ];
    const steps = [
      ['repository', 'list'],
      ['restore-point', 'list', 'primary'],
      ['job', 'create', ...job],
      ['job', 'start', JOB, '--all', '--follow'],
      ['restore-point', 'list', 'offsite'],
      ['safe'],
    ];
    for (const words of steps) {
      const status = await longhaul(...words);
      if (status !== 0) return status;
    }
    await check(site, say);
    say(`\nThe copies stay in ${site}; remove the folder when you are done.`);
    return await show(service, say);
  } finally {
    await service.stop();
    await rm(join(site, 'state'), { recursive: true, force: true });
  }
}

/** Leaves the dashboard open for whoever sits at the terminal; a script that runs the demo goes on. */
async function show(service: Service, say: (text: string) => void): Promise<number> {
  if (!processTerminal(process.env).isInteractive) return 0;
  say(`\nLook at it, until you press Ctrl-C:\n  Dashboard  ${service.url ?? ''}`);
  return runUntilSignal(service, createLogger('error'));
}

function demoConfig(): string {
  return JSON.stringify({
    server: { port: 0 },
    stateDirectory: './state',
    temporal: { type: 'embedded', port: 0, uiPort: 0 },
    repositories: [
      // Brought here in one go, so that there is nothing to wait for.
      { id: 'primary', path: './primary', role: 'primary', settleSeconds: 0 },
      { id: 'offsite', path: './offsite', role: 'target' },
    ],
  });
}

/** Runs one command of the command line against the demo's server, and shows what was typed. */
async function command(url: string, words: readonly string[]): Promise<number> {
  const terminal = processTerminal({ ...process.env, LONGHAUL_SERVER: url });
  const typed = words.map((word) => (/\s/.test(word) ? `'${word}'` : word)).join(' ');
  print(terminal, displayText(`\n$ longhaul ${typed}`));
  const refuse = (): Promise<number> => Promise.reject(new Error('not in the demo'));
  return runCommand(words, terminal, { serve: refuse, api: refuse, worker: refuse, demo: refuse });
}

/** Compares every disk of every copied point with what the backup tool's machine held, through qemu-img where it is installed. */
async function check(site: string, say: (text: string) => void): Promise<void> {
  const rootPath = join(site, 'offsite');
  const target = await openDirectoryRepository({ id: 'offsite', rootPath, readOnly: true });
  const truth = JSON.parse(await readFile(join(demoData(), 'truth.json'), 'utf8')) as Truth;
  const hasQemu = await run('qemu-img', ['--version']).then(
    () => true,
    () => false,
  );
  say(
    hasQemu
      ? '\nChecked by qemu-img, independent of Longhaul:'
      : '\nqemu-img is not installed here; with it, the demo would check the copy independently of Longhaul. Until then:\n  longhaul restore-point verify offsite',
  );
  let example: string | null = null;
  for (const { record } of (await findChains(target)).chains) {
    const points = availablePoints(record);
    for (const [index, point] of points.entries())
      for (const { disk, path } of point.disks) {
        const file = join(rootPath, chainFolder(record.jobId, record.workload.id), path);
        example = file;
        if (!hasQemu) continue;
        const expected = Object.values(truth[record.workload.name] ?? {})[index]?.[disk];
        await run('qemu-img', ['check', '-f', 'qcow2', file]);
        const isSame = (await rawDigest(site, file)) === expected;
        if (!isSame) throw new Error(`${file} does not show what the machine held`);
        say(
          `  ${record.workload.name} ${disk} ${point.createdAt}: check clean, every byte as on the machine`,
        );
      }
  }
  if (example === null) throw new Error('nothing was copied');
  say('\nTo restore a disk without Longhaul:');
  say(`  qemu-img convert -f qcow2 -O raw '${example}' restored.raw`);
}

type Truth = Record<string, Record<string, Record<string, string>>>;

async function rawDigest(site: string, file: string): Promise<string> {
  const raw = join(site, 'check.raw');
  await run('qemu-img', ['convert', '-f', 'qcow2', '-O', 'raw', file, raw]);
  const hash = createHash('sha256');
  for await (const part of createReadStream(raw)) hash.update(part as Buffer);
  await rm(raw);
  return hash.digest('hex');
}

/** The chains that real libvirt made for the tests; they come with the repository. */
function demoData(): string {
  for (let folder = dirname(fileURLToPath(import.meta.url)); ; folder = dirname(folder)) {
    const data = join(folder, 'test', 'fixtures', 'libvirt-push');
    if (existsSync(data)) return data;
    if (folder === dirname(folder))
      throw new Error('the demo’s data are missing in this installation');
  }
}
