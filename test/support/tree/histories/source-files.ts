import { createHash } from 'node:crypto';
import { SimulatedRepository } from '../../repository/simulated-repository.js';

/** One content that a file of the source has had. */
interface Version {
  readonly bytes: Buffer;
  /** Moments are numbers of changes of the source. */
  readonly from: number;
  /** null: the file has it. */
  to: number | null;
}

/** The files of a source, with all that each of them has ever been: the only thing that the judgement of a copy rests on. */
export class SourceFiles {
  readonly repository = new SimulatedRepository('primary');
  /** Of the last change. */
  moment = 0;
  /** True time, which no clock of a worker shows. Epoch milliseconds. */
  trueMs = Date.parse('2026-11-25T00:00:00Z');
  readonly #versions = new Map<string, Version[]>();
  readonly #goneSinceMs = new Map<string, number>();

  constructor(readonly root: string) {}

  get paths(): string[] {
    return [...this.#versions.keys()].filter((path) => this.now(path) !== null);
  }

  now(path: string): Buffer | null {
    const last = this.#versions.get(path)?.at(-1);
    return last?.to === null ? last.bytes : null;
  }

  /** What the file was from that moment on without a break; null: it was changed, or is not there. */
  sinceMoment(path: string, moment: number): Buffer | null {
    const last = this.#versions.get(path)?.at(-1);
    return last?.to === null && last.from <= moment ? last.bytes : null;
  }

  /** Whether these bytes were ever the content of the file, or where it grows the beginning of it. */
  wasEver(path: string, bytes: Buffer, grows: boolean): boolean {
    return (this.#versions.get(path) ?? []).some(
      (version) =>
        version.bytes.equals(bytes) ||
        (grows && version.bytes.subarray(0, bytes.length).equals(bytes)),
    );
  }

  /** Since when the source does not have it, in true time; null: it has it, or never had. */
  goneSinceMs(path: string): number | null {
    return this.#goneSinceMs.get(path) ?? null;
  }

  /** How often a file was written over or removed. */
  changesSince(moment: number): number {
    const ends = [...this.#versions.values()].flat().flatMap(({ to }) => to ?? []);
    return ends.filter((to) => to > moment).length;
  }

  async write(path: string, content: Buffer | string): Promise<void> {
    const bytes = Buffer.from(content);
    await this.repository.put(`${this.root}/${path}`, bytes);
    this.#note(path, bytes);
  }

  async append(path: string, more: Buffer): Promise<void> {
    const before = this.now(path) ?? Buffer.alloc(0);
    const file = await this.repository.openWrite(`${this.root}/${path}`, 'open-or-new');
    await file.write(more, before.length);
    await file.close();
    this.#note(path, Buffer.concat([before, more]));
  }

  async rename(from: string, to: string): Promise<void> {
    const bytes = this.now(from)!;
    await this.repository.rename(`${this.root}/${from}`, `${this.root}/${to}`);
    this.#gone(from);
    this.#note(to, bytes);
  }

  async remove(path: string): Promise<void> {
    await this.repository.remove(`${this.root}/${path}`);
    this.#gone(path);
  }

  #note(path: string, bytes: Buffer): void {
    this.moment++;
    this.#end(path);
    const versions = this.#versions.get(path) ?? [];
    this.#versions.set(path, [...versions, { bytes, from: this.moment, to: null }]);
    this.#goneSinceMs.delete(path);
  }

  #gone(path: string): void {
    this.moment++;
    this.#end(path);
    this.#goneSinceMs.set(path, this.trueMs);
  }

  #end(path: string): void {
    const last = this.#versions.get(path)?.at(-1);
    if (last !== undefined) last.to = this.moment;
  }
}

export function sha256(content: Buffer | string): string {
  return createHash('sha256').update(content).digest('hex');
}
