/** `longhaul repository types`. */

import type { Command } from 'commander';
import type { WorkloadTypeFacts } from '../../domain/sources/workload-rules.js';
import type { Act } from '../command-context.js';
import { display, displayLines, formatTable, type DisplayText } from '../display/display-text.js';

export function addTypesCommand(repository: Command, act: Act): void {
  act(
    repository
      .command('types')
      .description('List the types of backups that are found in a source, and their rules.'),
    async (context) => {
      const types = await context.server.all<WorkloadTypeFacts>('/workload-types');
      context.show(types, (columns) => describeTypes(types, columns));
    },
  );
}

const JOB_TEXT: Readonly<Record<WorkloadTypeFacts['rules']['job'], string>> = {
  copy: 'copy job',
  fileBackup: 'file-backup job',
  mirror: 'mirror job',
};

function describeTypes(types: readonly WorkloadTypeFacts[], columns: number): DisplayText {
  if (types.length === 0) return displayLines([display`No types.`]);
  return formatTable(
    ['TYPE', 'BACKUPS OF', 'COPIED', 'BY', 'MODES', 'RETENTION', 'GFS'],
    types.map(({ id, title, rules }) => [
      id,
      title,
      rules.wholeSourceOnly ? 'whole repository' : rules.logsOnly ? 'with logs' : 'each',
      JOB_TEXT[rules.job],
      rules.modes.join(', '),
      rules.retentionByDaysOnly ? 'days' : 'points, days',
      rules.allowsGfs ? 'yes' : 'no',
    ]),
    { columns, cut: ['BACKUPS OF'] },
  );
}
