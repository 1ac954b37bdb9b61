import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import {
  cp,
  copyFile,
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  rename,
  rm,
  stat,
  utimes,
  writeFile,
} from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { CopyJob } from '../../../src/domain/jobs/copy-job.js';
import { openDirectoryRepository } from '../../../src/repository/directory/directory-repository.js';
import type { CopySessionOutcome } from '../../../workflows/messages.js';
import fc from '../properties.js';
import {
  aPlace,
  anEvent,
  type Event,
  type Fault,
  type Place,
  type Writes,
} from './image-events.js';
import { testJob } from '../session/test-site.js';
import { givenUpAt } from '../workflows/lost-answers.js';
import { LocalSessions } from '../workflows/local-sessions.js';
import { BLOCK_BYTES, BLOCKS, type Content } from './libvirt-machine.js';
import { fillsOf } from './source-history.js';
import { tryHistories, type History, type HistoryParameters } from './try-histories.js';

const run = promisify(execFile);
const DAY_MS = 86_400_000;

/** Where the disk lies, what its storage says of its files, and what the job does about a chain that was made anew. */
interface ImageRules {
  readonly place: Place;
  readonly stampsProve: boolean;
  readonly policy: CopyJob['onSourceChainRecreated'];
}

interface Layer {
  readonly name: string;
  readonly below: Layer | null;
  readonly own: Map<number, number>;
}

/** A disk in the files of its snapshots, written by qemu-img and qemu-io, beside a model of what each file shows, which knows nothing of the code under test. */
class ImageHistory implements History<Event> {
  /** The one that the machine writes to at the end. */
  private layers: Layer[] = [];
  private made = 0;
  /** All that a file has ever shown. */
  private readonly shown = new Set<string>();
  private nowMs = Date.UTC(2026, 9, 1, 20);
  private readonly source: string;
  /** Of snapshots. */
  private readonly format: 'qcow2' | 'vmdk';
  /** Each file is a point of its own. */
  private readonly isAlone: boolean;
  private isOn = false;
  /** How far the clock of the sessions is off. */
  private sessionDays = 0;
  /** By folder of a run: what it holds. What lies under a date was put there, also of a machine that was on (OPERATIONS). */
  private readonly runs = new Map<string, string>();

  private constructor(
    private readonly folder: string,
    private readonly place: Place,
    private readonly stampsProve: boolean,
    private readonly policy: CopyJob['onSourceChainRecreated'],
  ) {
    this.source = join(folder, place === 'runs' ? 'live' : 'primary', 'vm');
    this.isAlone = place === 'alone' || place === 'onRaw';
    this.format = this.isAlone ? 'qcow2' : 'vmdk';
  }

  static async begin({ place, stampsProve, policy }: ImageRules): Promise<ImageHistory> {
    const folder = await mkdtemp(join(tmpdir(), 'longhaul-images-'));
    const history = new ImageHistory(folder, place, stampsProve, policy);
    await mkdir(history.source, { recursive: true });
    await mkdir(join(folder, 'primary'), { recursive: true });
    await mkdir(join(folder, 'offsite'));
    await history.addFull([[3, 7]]);
    history.note();
    return history;
  }

  end(): Promise<void> {
    return rm(this.folder, { recursive: true, force: true });
  }

  settle(): Promise<void> {
    return this.happen({ type: 'session', fault: null });
  }

  async happen(event: Event): Promise<void> {
    this.nowMs += DAY_MS / 4;
    switch (event.type) {
      case 'work':
        await this.write(this.top, event.writes);
        break;
      case 'workUndated': {
        const { atime, mtime } = await stat(this.pathOf(this.top));
        await this.write(this.top, event.writes);
        await utimes(this.pathOf(this.top), atime, mtime);
        break;
      }
      case 'writeBelow':
        // Nobody opens a VMDK below which somebody wrote.
        if (this.top.below !== null && this.format === 'qcow2')
          await this.write(this.top.below, event.writes);
        break;
      case 'makeAnew':
        await rm(this.source, { recursive: true });
        await mkdir(this.source);
        this.isOn = false;
        this.layers = [];
        await this.addFull(event.writes);
        break;
      case 'snapshot':
        await this.addSnapshot();
        break;
      case 'commit':
        await this.commit();
        break;
      case 'flatten':
        await this.flatten();
        break;
      case 'revert':
        // The machine goes back to its last snapshot: what it wrote since is gone.
        if (this.top.below !== null) {
          await rm(this.pathOf(this.layers.pop()!));
          await this.addSnapshot();
        }
        break;
      case 'copyElsewhere':
        await this.copyElsewhere();
        break;
      case 'touch':
        for (const layer of this.layers) await this.date(layer, event.days);
        break;
      case 'wrongClock':
        await this.date(this.top, event.days);
        break;
      case 'clock':
        this.sessionDays = event.days;
        break;
      case 'switch':
        if (!this.isAlone) await this.switch();
        break;
      case 'run':
      case 'runAgain':
        if (this.place === 'runs') await this.copyRun(event);
        break;
      case 'session':
        await this.session(event.fault);
    }
    this.note();
  }

  /** The promise: every point of the target shows what one file has shown at some time, and where the session does not say that something is wrong, the
   *  newest one what the machine has now, and every other file is there. */
  private async session(fault: Fault): Promise<void> {
    const outcome = await this.copyAsDecided(fault);
    const chains = (await this.targetChains()).map((points) => points.map(String));
    const points = chains.flat();
    for (const content of points)
      assert.ok(this.shown.has(content), `no file ever showed ${content}: ${told(outcome)}`);
    if (outcome.result !== 'success' && outcome.result !== 'nothingToCopy') return;
    const there = this.present();
    for (const content of there)
      assert.ok(points.includes(content), `${content} is missing: ${told(outcome)}`);
    // A file that became a full of its own is a disk of its own.
    const newest = chains.map((each) => each.at(-1));
    const now = there.at(-1);
    if (now === undefined) return;
    assert.ok(newest.includes(now), `the newest is not ${now}: ${told(outcome)}`);
  }

  /** Where the job stops for a chain that was made anew, what was copied stays until somebody has said that it was meant. */
  private async copyAsDecided(fault: Fault): Promise<CopySessionOutcome> {
    const before = await this.targetChains();
    const outcome = await this.copy(fault, this.policy);
    if (this.policy === 'startNewChain' || outcome.result !== 'actionRequired') return outcome;
    // Other disks of the source go on.
    const after = (await this.targetChains()).map(String);
    for (const chain of before.map(String))
      assert.ok(
        after.some((other) => other.startsWith(chain)),
        `${chain} is not there any more: ${told(outcome)}`,
      );
    return this.copy(null, 'startNewChain');
  }

  private async copy(
    fault: Fault,
    policy: CopyJob['onSourceChainRecreated'],
  ): Promise<CopySessionOutcome> {
    const open = (id: string) =>
      openDirectoryRepository({
        ...{ id, rootPath: join(this.folder, id), readOnly: id === 'primary' },
        stampsProve: this.stampsProve,
      });
    const options =
      fault === null
        ? {}
        : fault === 'answers'
          ? { losesAnswer: (_: string, attempt: number) => attempt === 1 }
          : givenUpAt(fault);
    const sessions = new LocalSessions([await open('primary'), await open('offsite')], options);
    const job = testJob({
      onSourceChainRecreated: policy,
      retention: { type: 'restorePoints', value: 100 },
    });
    return sessions.tryToCopy(job, this.nowMs + this.sessionDays * DAY_MS);
  }

  /** From the commit records alone, read by qemu-img. */
  private async targetChains(): Promise<Content[][]> {
    const job = join(this.folder, 'offsite', 'nightly');
    const chains: Content[][] = [];
    for (const { name } of (await readdir(job, { withFileTypes: true }).catch(() => [])).filter(
      (entry) => entry.isDirectory() && entry.name.includes('web01'),
    )) {
      const { record } = JSON.parse(await readFile(join(job, name, 'chain.json'), 'utf8')) as {
        record: { points: { state: string; disks: { path: string }[] }[] };
      };
      const contents: Content[] = [];
      for (const { state, disks } of record.points) {
        if (state !== 'available') continue;
        const raw = join(this.folder, 'shown.raw');
        const image = join(job, name, disks[0]!.path);
        await run('qemu-img', ['convert', '-f', formatOf(image), '-O', 'raw', image, raw]);
        contents.push(fillsOf(await readFile(raw)));
      }
      chains.push(contents);
    }
    return chains;
  }

  /** What the source shows of points, the newest last. */
  private present(): string[] {
    if (this.isAlone) return this.layers.map((layer) => String(this.shows(layer)));
    if (this.place === 'runs') return [...this.runs.values()];
    return this.isOn ? [] : [String(this.shows(this.top))];
  }

  private get top(): Layer {
    return this.layers.at(-1)!;
  }

  private shows({ below, own }: Layer): Content {
    const under = below === null ? Array<number>(BLOCKS).fill(0) : this.shows(below);
    return under.map((before, block) => own.get(block) ?? before);
  }

  private note(): void {
    for (const layer of this.layers) this.shown.add(String(this.shows(layer)));
  }

  private pathOf({ name }: Pick<Layer, 'name'>): string {
    return join(this.source, name);
  }

  private async addFull(content: Writes): Promise<void> {
    const ending = this.place === 'onRaw' ? 'img' : this.format;
    const full: Layer = { name: `web01.${ending}`, below: null, own: new Map() };
    const size = String(BLOCKS * BLOCK_BYTES);
    await run('qemu-img', ['create', '-q', '-f', formatOf(full.name), this.pathOf(full), size]);
    this.layers.push(full);
    await this.write(full, content);
  }

  private async addSnapshot(): Promise<void> {
    const below = this.top;
    const number = ++this.made;
    const stem = this.isAlone ? `.snap${number}` : `-${String(number).padStart(6, '0')}`;
    const layer: Layer = { name: `web01${stem}.${this.format}`, below, own: new Map() };
    const backing = ['-b', below.name, '-F', formatOf(below.name)];
    await run('qemu-img', ['create', '-q', '-f', this.format, ...backing, layer.name], {
      cwd: this.source,
    });
    this.layers.push(layer);
    await this.date(layer, 0);
  }

  private async commit(): Promise<void> {
    const { below, own } = this.top;
    if (below === null) return;
    await run('qemu-img', ['commit', '-q', '-f', this.format, this.pathOf(this.top)]);
    for (const [block, filledWith] of own) below.own.set(block, filledWith);
    await rm(this.pathOf(this.layers.pop()!));
    await this.date(below, 0);
  }

  /** The newest file gets all that is below it, and that goes. */
  private async flatten(): Promise<void> {
    if (this.top.below === null) return;
    if (!this.isAlone) {
      while (this.top.below !== null) await this.commit();
      return;
    }
    const { name } = this.top;
    await run('qemu-img', ['rebase', '-f', 'qcow2', '-b', '', this.pathOf(this.top)]);
    const own = new Map(this.shows(this.top).entries());
    for (const layer of this.layers.splice(0, this.layers.length - 1)) await rm(this.pathOf(layer));
    this.layers = [{ name, below: null, own }];
    await this.date(this.top, 0);
  }

  /** Other inodes and times, the same bytes: the folder was copied by a tool that keeps no times. */
  private async copyElsewhere(): Promise<void> {
    const copy = join(this.folder, 'copy');
    await mkdir(copy);
    for (const name of await readdir(this.source))
      await copyFile(join(this.source, name), join(copy, name));
    await rm(this.source, { recursive: true });
    await rename(copy, this.source);
    for (const layer of this.layers.toReversed()) await this.date(layer, 0);
  }

  private async write(layer: Layer, blocks: Writes): Promise<void> {
    const commands = blocks.flatMap(([block, filledWith]) => {
      layer.own.set(block, filledWith);
      const where = `${block * BLOCK_BYTES} ${BLOCK_BYTES}`;
      return ['-c', filledWith === 0 ? `write -z ${where}` : `write -P ${filledWith} ${where}`];
    });
    await run('qemu-io', ['-f', formatOf(layer.name), ...commands, this.pathOf(layer)]);
    await this.date(layer, 0);
  }

  /** A machine that is on has locks. */
  private async switch(): Promise<void> {
    this.isOn = !this.isOn;
    const locks = ['web01.vmx.lck', 'web01-1a2b3c4d.vswp'].map((name) => join(this.source, name));
    for (const path of locks)
      if (this.isOn) await writeFile(path, '');
      else await rm(path, { force: true });
  }

  /** Somebody copies the folder of the machine as it is, into that of the day, or once more into that of the last one. */
  private async copyRun({
    type,
    keepsTimes,
  }: Extract<Event, { keepsTimes: boolean }>): Promise<void> {
    const day = new Date((this.nowMs += DAY_MS)).toISOString().slice(0, 10);
    const last = [...this.runs.keys()].at(-1);
    const folder = type === 'runAgain' && last !== undefined ? last : day;
    const to = join(this.folder, 'primary', folder, 'web01');
    await rm(to, { recursive: true, force: true });
    await cp(this.source, to, { recursive: true, preserveTimestamps: true });
    const now = new Date(this.nowMs);
    if (!keepsTimes) for (const name of await readdir(to)) await utimes(join(to, name), now, now);
    this.runs.set(folder, String(this.shows(this.top)));
  }

  /** The definition names the disk that the machine writes to. */
  private async define(): Promise<void> {
    if (this.isAlone) return;
    const path = join(this.source, 'web01.vmx');
    const text = `scsi0:0.fileName = "${this.top.name}"\n`;
    if ((await readFile(path, 'utf8').catch(() => '')) === text) return;
    await writeFile(path, text);
    const at = new Date(this.nowMs);
    await utimes(path, at, at);
  }

  /** Each a second later than the one before. */
  private async date(layer: Layer, daysAway: number): Promise<void> {
    this.nowMs += 1_000;
    const at = new Date(this.nowMs + daysAway * DAY_MS);
    await utimes(this.pathOf(layer), at, at);
    await this.define();
  }
}

/** By the ending of a file. */
function formatOf(name: string): string {
  const ending = /\.(?<ending>\w+)$/.exec(name)?.groups?.ending;
  return ending === 'img' || ending === 'raw' ? 'raw' : ending!;
}

function told({ result, reason, tasks }: CopySessionOutcome): string {
  const told = tasks.map((task) => [
    task.workload,
    task.result,
    task.code,
    task.reason,
    task.notes,
  ]);
  return JSON.stringify([result, reason, told]);
}

/** Tries random histories of disks with external snapshots that lie alone, and of VMware machines whose folders are copied.
 *  @throws with the events of one that shows a fault */
export function tryImageHistories(parameters: HistoryParameters): Promise<void> {
  const rules: fc.Arbitrary<ImageRules> = fc.record({
    place: aPlace,
    stampsProve: fc.boolean(),
    policy: fc.constantFrom('startNewChain', 'requireNewJob'),
  });
  const begin = (under: ImageRules) => ImageHistory.begin(under);
  const model = { rules, event: anEvent, begin, length: 16, leastLength: 5 };
  return tryHistories(model, parameters);
}
