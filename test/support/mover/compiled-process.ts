import { execFile } from 'node:child_process';
import { cp, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import ts from 'typescript';

const ROOT = join(import.meta.dirname, '..', '..', '..');
const FOLDERS = ['src', 'bench', join('test', 'support', 'mover')];
const ENTRY = join('test', 'support', 'mover', 'chain-process.js');
const TIMEOUT_MS = 120_000;
const execute = promisify(execFile);

/** `chain-process.ts` as it is when it is built: what loads TypeScript takes 60 MiB and more of memory. */
export class CompiledProcess {
  private constructor(private readonly folder: string) {}

  static async create(): Promise<CompiledProcess> {
    const folder = await mkdtemp(join(tmpdir(), 'longhaul-compiled-'));
    await symlink(join(ROOT, 'node_modules'), join(folder, 'node_modules'));
    await cp(join(ROOT, 'package.json'), join(folder, 'package.json'));
    for (const name of FOLDERS) await compileFolder(join(ROOT, name), join(folder, name));
    return new CompiledProcess(folder);
  }

  /** @returns the most memory that the process held, in MiB */
  async peakMiB(
    folders: { readonly source: string; readonly target: string; readonly restored: string },
    ...operations: readonly string[]
  ): Promise<number> {
    const { source, target, restored } = folders;
    const args = [join(this.folder, ENTRY), source, target, restored, ...operations];
    const { stdout } = await execute(process.execPath, args, { timeout: TIMEOUT_MS });
    return Number(stdout);
  }

  remove(): Promise<void> {
    return rm(this.folder, { recursive: true });
  }
}

/** Without looking at types, which takes a second for what otherwise takes ten. */
async function compileFolder(from: string, to: string): Promise<void> {
  await cp(from, to, { recursive: true });
  for (const name of await readdir(to, { recursive: true })) {
    if (!name.endsWith('.ts')) continue;
    const path = join(to, name);
    const compilerOptions = {
      target: ts.ScriptTarget.ES2022,
      module: ts.ModuleKind.ESNext,
      verbatimModuleSyntax: true,
    };
    const { outputText } = ts.transpileModule(await readFile(path, 'utf8'), { compilerOptions });
    await writeFile(path.replace(/\.ts$/, '.js'), outputText);
    await rm(path);
  }
}
