import { expect, it } from 'vitest';
import { z } from 'zod';
import { jobDefinitionSchema, jobViewSchema } from '../../../../src/api/jobs/job-schemas.js';
import { withoutServerFields } from '../../../../src/domain/jobs/server-fields.js';

/** Names of the fields as the OpenAPI document has them. */
function fieldsOf(schema: z.ZodType): string[] {
  const { $ref = '', $defs = {}, ...json } = z.toJSONSchema(schema, { io: 'input' });
  const { properties = {} } = $defs[$ref.split('/').at(-1)!] ?? json;
  return Object.keys(properties);
}

it('a job as it is shown goes back as a definition that the server takes, with nothing that it adds itself', () => {
  const shown = fieldsOf(jobViewSchema);
  const taken = new Set(fieldsOf(jobDefinitionSchema));
  expect(shown).toContain('undecidedSessionId');
  const sent = Object.keys(withoutServerFields(Object.fromEntries(shown.map((name) => [name, 1]))));
  // Of mirrors and of the jobs of file-backup jobs, which are changed as such.
  expect(sent.filter((name) => !taken.has(name))).toEqual(['kind', 'fileBackupJobId']);
  expect(shown.filter((name) => taken.has(name) && !sent.includes(name))).toEqual([]);
});
