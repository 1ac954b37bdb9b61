import type { Command } from 'commander';
import { HOURS_PHRASES } from './hours-phrase.js';
import { SCHEDULE_PHRASES } from './schedule-phrase.js';

/** Flags of a job's fields, to make it and to change it. */
export function jobFlags(command: Command): Command {
  return command
    .option('--name <name>')
    .option(
      '--source <source...>',
      'what to copy: repository, repository:workload, or repository:pattern with * or ? in it',
    )
    .option('--exclude <workload...>', 'workloads to leave out, or patterns of their names')
    .option('--target <repository>', 'where to copy')
    .option('--schedule <words>', `when to start: ${SCHEDULE_PHRASES}`)
    .option('--time-zone <name>', 'time zone of the job; default: that of the server')
    .option('--allowed-hours <words...>', `outside them it waits: ${HOURS_PHRASES}; none: any hour`)
    .option('--missed-starts <run|skip>', 'what becomes of starts while the server was down')
    .option('--retry-attempts <number>', 'retries of what failed, or unlimited; 0: none')
    .option('--retry-pauses <minutes...>', 'minutes before each retry; the last for all after it')
    .option('--immediate', 'copy each restore point as it appears')
    .option('--transaction-logs', 'with --immediate: copy the logs of databases, too')
    .option(
      '--restore-points <latest|all>',
      'which of the source it copies: the newest, or all that it keeps; default: latest',
    )
    .option('--keep <number>', 'restore points to keep')
    .option('--keep-days <number>', 'days to keep restore points')
    .option('--max-copy-age <hours>', 'how old the newest copy may become')
    .option('--max-lag <hours>', 'how long a restore point may wait for its copy');
}
