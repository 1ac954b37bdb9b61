import { createHash, randomUUID } from 'node:crypto';
import { mkdirSync, readdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Script, type Context } from 'node:vm';
import { bundleWorkflowCode, DefaultLogger } from '@temporalio/worker';
import type { Workflow, WorkflowCreateOptions } from '@temporalio/worker/lib/workflow/interface.js';
import { ReusableVMWorkflowCreator } from '@temporalio/worker/lib/workflow/reusable-vm.js';

/** The product's workflows in the very sandbox in which Temporal's worker runs them, without worker and server. */

const ROOT = fileURLToPath(new URL('../../../', import.meta.url));
/** Folders whose code may be part of the bundle. */
const BUNDLED = ['workflows', 'activities', 'src'];
const PRODUCT = join(ROOT, 'workflows', 'index.ts');
const BUNDLES = join(ROOT, '.cache', 'workflow-bundles');

let creator: Promise<Sandbox> | null = null;

export async function newWorkflow(options: WorkflowCreateOptions): Promise<Workflow> {
  creator ??= createSandbox();
  return (await creator).createWorkflow(options);
}

/** Not by the creator's own `create`: its hooks, for stack traces of waiting workflows, slow down every promise of the process. And without
 *  a time limit, which costs a thread for every call into the sandbox. */
async function createSandbox(): Promise<Sandbox> {
  const filename = await workflowBundle();
  const bundle = { filename, code: readFileSync(filename, 'utf8'), sourceMap: NO_SOURCE_MAP };
  const script = new Script(bundle.code, { filename });
  return new Sandbox(script, bundle, NO_LIMIT, new Set());
}

/** With the switch of `npm run mutate`, which says what is changed in the code: a global of the test that a sandbox does not see by itself. */
class Sandbox extends ReusableVMWorkflowCreator {
  override injectGlobals(context: Context): void {
    super.injectGlobals(context);
    const mutation = (globalThis as Record<string, unknown>)[MUTATION] as object | undefined;
    // The sandbox freezes its globals, and this one is written to on both sides.
    if (mutation !== undefined)
      context[MUTATION] = new Proxy(
        {},
        {
          get: (_, name) => Reflect.get(mutation, name) as unknown,
          set: (_, name, value) => Reflect.set(mutation, name, value),
        },
      );
  }
}

/** Named by Stryker. */
const MUTATION = '__stryker__';
const NO_LIMIT = undefined as unknown as number;
const NO_SOURCE_MAP = { version: 3, sources: [], names: [], mappings: '', file: '' } as never;

/** Path of the bundle of today's code; it is made once and kept, because that takes seconds.
 *  @param workflowsPath default: all workflows of the product */
export function workflowBundle(workflowsPath = PRODUCT): Promise<string> {
  let made = bundles.get(workflowsPath);
  if (made === undefined) bundles.set(workflowsPath, (made = bundleOf(workflowsPath)));
  return made;
}

const bundles = new Map<string, Promise<string>>();

async function bundleOf(workflowsPath: string): Promise<string> {
  const path = join(BUNDLES, `${digestOfSources(workflowsPath)}.js`);
  mkdirSync(BUNDLES, { recursive: true });
  if (readdirSync(BUNDLES).some((name) => path.endsWith(`/${name}`))) return path;
  const { code } = await bundleWorkflowCode({
    workflowsPath,
    logger: new DefaultLogger('ERROR'),
  });
  const partial = `${path}.${randomUUID()}`;
  writeFileSync(partial, code);
  renameSync(partial, path);
  return path;
}

function digestOfSources(workflowsPath: string): string {
  const hash = createHash('sha256').update(readFileSync(join(ROOT, 'package-lock.json')));
  hash.update(workflowsPath).update(readFileSync(workflowsPath));
  for (const folder of BUNDLED)
    for (const name of (readdirSync(join(ROOT, folder), { recursive: true }) as string[]).sort())
      if (name.endsWith('.ts'))
        hash.update(`${folder}/${name}\n`).update(readFileSync(join(ROOT, folder, name)));
  return hash.digest('hex');
}
