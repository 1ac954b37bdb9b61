import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** A folder that accounts of databases may look into, and what was found to be right or wrong there. */
export class Trial {
  private faults = 0;

  private constructor(private readonly root: string) {}

  static async begin(name: string): Promise<Trial> {
    const root = await mkdtemp(join(tmpdir(), `longhaul-${name}-`));
    await chmod(root, 0o755);
    return new Trial(root);
  }

  at(...parts: readonly string[]): string {
    return join(this.root, ...parts);
  }

  tell(what: string, isRight: boolean, found: string): void {
    if (!isRight) this.faults++;
    console.log(`${isRight ? 'right' : 'WRONG'}: ${what}: ${found}`);
  }

  /** What was wrong stays to be looked at. @returns the exit code */
  async end(): Promise<number> {
    if (this.faults === 0) await rm(this.root, { recursive: true, force: true });
    else console.log(`left in ${this.root}`);
    return this.faults === 0 ? 0 : 1;
  }
}
