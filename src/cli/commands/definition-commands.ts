import type { Command } from 'commander';
import type { Act, CommandContext } from '../command-context.js';
import { display, type DisplayText } from '../display/display-text.js';
import { readDefinition } from '../input/job-input.js';

/** Jobs of one kind, as commands name and show them. */
export interface JobCollection<View> {
  /** Path below the API, as `/mirror-jobs`. */
  readonly base: string;
  /** Begins what is said of one of them. */
  readonly title: string;
  readonly describe: (job: View) => DisplayText;
  /** What the server adds to a definition, beyond what it adds to those of every kind. */
  readonly serverFields: readonly string[];
}

/** Path of a job of a collection. */
export function jobIn({ base }: Pick<JobCollection<unknown>, 'base'>, id: string): string {
  return `${base}/${encodeURIComponent(id)}`;
}

/** A whole definition from a file. @throws REQUEST_INVALID */
async function definitionIn(
  { terminal }: CommandContext,
  file: string,
  { serverFields }: Pick<JobCollection<unknown>, 'serverFields'>,
): Promise<object> {
  const read = await readDefinition(file, terminal.workingFolder);
  return Object.fromEntries(Object.entries(read).filter(([name]) => !serverFields.includes(name)));
}

/** @param fromFlags the definition, where no file gives it whole */
export async function createJob<View>(
  context: CommandContext,
  collection: JobCollection<View>,
  file: string | undefined,
  fromFlags: () => object,
): Promise<void> {
  const body = file === undefined ? fromFlags() : await definitionIn(context, file, collection);
  const made = await context.server.request<View>('POST', collection.base, { body });
  context.show(made, () => collection.describe(made));
}

export function addShowCommand<View>(
  job: Command,
  act: Act,
  collection: JobCollection<View>,
): void {
  act(
    job.command('show').argument('<job>').description('Show one job.'),
    async (context, id: string) => {
      const found = await context.server.request<View>('GET', jobIn(collection, id));
      context.show(found, () => collection.describe(found));
    },
  );
}

/** What `show --json` gives, `update --file` takes back. */
export function addUpdateCommand<View>(
  job: Command,
  act: Act,
  collection: JobCollection<View>,
): void {
  act(
    job
      .command('update')
      .argument('<job>')
      .requiredOption('-f, --file <file>', 'whole definition as JSON or YAML')
      .option('--revision <number>', 'refuse when the job has another revision')
      .description('Replace the definition of a job.'),
    async (context, id: string, flags: { readonly file: string; readonly revision?: string }) => {
      const body = { id, ...(await definitionIn(context, flags.file, collection)) };
      const request = { body, headers: { 'If-Match': flags.revision ?? '*' } };
      const changed = await context.server.request<View>('PUT', jobIn(collection, id), request);
      context.show(changed, () => collection.describe(changed));
    },
  );
}

/** @param description says what becomes of the copies */
export function addDeleteCommand(
  job: Command,
  act: Act,
  collection: Pick<JobCollection<unknown>, 'base' | 'title'>,
  description: string,
): void {
  act(
    job.command('delete').argument('<job>').description(description),
    async (context, id: string) => {
      await context.server.request('DELETE', jobIn(collection, id));
      context.show({ deleted: id }, () => display`${collection.title} ${id} is deleted.`);
    },
  );
}
