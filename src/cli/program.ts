/** The `longhaul` command: its words, its options, and how its errors become exit codes. */

import { Command, CommanderError, Option } from 'commander';
import { BackupError } from '../domain/errors.js';
import {
  commandContext,
  describeError,
  type Act,
  type CommandAction,
  type GlobalOptions,
} from './command-context.js';
import { EXIT_CODES, EXIT_OF_KIND, type ExitName } from './exit-codes.js';
import { addFileBackupCommands } from './commands/file-backup-commands.js';
import { addMirrorCommands } from './commands/mirror-commands.js';
import { addCopyCommands } from './commands/copy-commands.js';
import { addJobCommands } from './commands/job-commands.js';
import type { Launchers } from './launchers.js';
import { displayText } from './display/display-text.js';
import { printError, printParsed } from './display/print.js';
import { addLimitCommands } from './commands/limit-commands.js';
import { addNotificationCommands } from './commands/notification-commands.js';
import { addOperationCommands } from './commands/operation-commands.js';
import { addRepositoryCommands } from './commands/repository-commands.js';
import { addSafetyCommands } from './commands/safety-commands.js';
import { ServerError } from './client/server-client.js';
import { addServerCommands } from './commands/server-commands.js';
import { addSessionCommands } from './commands/session-commands.js';
import { addEventsCommand } from './commands/events-command.js';
import { addSupportCommand } from './commands/support-command.js';
import { addAuditCommand } from './commands/audit-command.js';
import { addTokenCommands } from './commands/token-commands.js';
import type { Terminal } from './display/terminal.js';

const DEFAULT_SERVER = 'http://127.0.0.1:8420';

/** @returns the exit code. Nothing of the process is touched. */
export async function runCommand(
  words: readonly string[],
  terminal: Terminal,
  launchers: Launchers,
): Promise<number> {
  let exitCode: number = EXIT_CODES.success.code;
  const finish = (code: number): void => {
    exitCode = code;
  };
  const program = buildProgram(terminal, launchers, finish);
  try {
    await program.parseAsync(words, { from: 'user' });
    return exitCode;
  } catch (error) {
    return EXIT_CODES[reportError(error, terminal)].code;
  }
}

function buildProgram(
  terminal: Terminal,
  launchers: Launchers,
  finish: (code: number) => void,
): Command {
  const program = new Command('longhaul')
    .description('Durable off-site copies of backups that exist already.')
    .exitOverride()
    .configureOutput({
      writeOut: (text) => printParsed(terminal, 'out', text),
      writeErr: (text) => printParsed(terminal, 'err', text),
      getOutHelpWidth: () => terminal.columns,
      getErrHelpWidth: () => terminal.columns,
    })
    .showHelpAfterError('Add --help for the usage.');
  const act: Act = <Arguments extends unknown[]>(
    command: Command,
    action: CommandAction<Arguments>,
  ) => {
    addGlobalOptions(command, terminal).action(async (...values: unknown[]) => {
      const options = command.opts<GlobalOptions>();
      // Commander passes the arguments, the options, and the command itself at the end.
      const passed = values.slice(0, -1) as Arguments;
      const name = await action(commandContext(terminal, options), ...passed);
      finish(EXIT_CODES[name ?? 'success'].code);
    });
  };
  addServerCommands(program, launchers, finish);
  addSafetyCommands(program, act);
  addJobCommands(program, act);
  addFileBackupCommands(program, act);
  addMirrorCommands(program, act);
  addSessionCommands(program, act);
  addEventsCommand(program, act);
  addSupportCommand(program, act);
  addRepositoryCommands(program, act);
  addOperationCommands(program, act);
  addCopyCommands(program, act);
  addLimitCommands(program, act);
  addNotificationCommands(program, act);
  addTokenCommands(program, act);
  addAuditCommand(program, act);
  return program;
}

function addGlobalOptions(command: Command, { environment }: Terminal): Command {
  const server = new Option('--server <url>', 'address of the server (LONGHAUL_SERVER)').default(
    environment.LONGHAUL_SERVER ?? DEFAULT_SERVER,
  );
  const tokenFile = new Option(
    '--token-file <path>',
    'file with the bearer token (LONGHAUL_TOKEN_FILE)',
  );
  if (environment.LONGHAUL_TOKEN_FILE !== undefined) {
    tokenFile.default(environment.LONGHAUL_TOKEN_FILE);
  }
  return command.addOption(server).addOption(tokenFile).option('--json', 'print JSON');
}

function reportError(error: unknown, terminal: Terminal): ExitName {
  if (error instanceof CommanderError) {
    // Commander has printed the message; help and version are no errors.
    return error.exitCode === 0 ? 'success' : 'invalid';
  }
  if (error instanceof BackupError) {
    printError(terminal, describeError(error));
    return EXIT_OF_KIND[error.kind];
  }
  if (error instanceof ServerError) {
    printError(terminal, displayText(error.message));
    return 'bug';
  }
  const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
  printError(terminal, displayText(text));
  return 'bug';
}
