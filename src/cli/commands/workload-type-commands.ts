/** `longhaul repository types`. */

import type { Command } from 'commander';
import type { WorkloadTypeView } from '../../domain/sources/workload-rules.js';
import type { Act } from '../command-context.js';
import { display, displayLines, formatTable, type DisplayText } from '../display/display-text.js';

export function addTypesCommand(repository: Command, act: Act): void {
  act(
    repository
      .command('types')
      .description(
        'List the types of backups that are found in a source, their rules, and what restores them.',
      ),
    async (context) => {
      const types = await context.server.all<WorkloadTypeView>('/workload-types');
      context.show(types, (columns) => describeTypes(types, columns));
    },
  );
}

const JOB_TEXT: Readonly<Record<WorkloadTypeView['rules']['job'], string>> = {
  copy: 'copy job',
  fileBackup: 'file-backup job',
  mirror: 'mirror job',
};

function describeTypes(types: readonly WorkloadTypeView[], columns: number): DisplayText {
  if (types.length === 0) return displayLines([display`No types.`]);
  return formatTable(
    ['TYPE', 'BACKUPS OF', 'COPIED', 'BY', 'MODES', 'RETENTION', 'GFS', 'RESTORED WITH'],
    types.map(({ id, title, rules, restoredWith }) => [
      id,
      title,
      rules.wholeSourceOnly ? 'whole repository' : rules.logsOnly ? 'with logs' : 'each',
      JOB_TEXT[rules.job],
      rules.modes.join(', '),
      rules.retentionByDaysOnly ? 'days' : 'points, days',
      rules.allowsGfs ? 'yes' : 'no',
      restoredWith,
    ]),
    { columns, cut: ['BACKUPS OF', 'RESTORED WITH'] },
  );
}
