import type { Command } from 'commander';
import type { BackupError } from '../domain/errors.js';
import { displayJson, displayText, type DisplayText } from './display/display-text.js';
import type { ExitName } from './exit-codes.js';
import { print } from './display/print.js';
import { ServerClient, type ServerOptions } from './client/server-client.js';
import { tableColumns, type Terminal } from './display/terminal.js';

/** Options that every command takes. */
export interface GlobalOptions extends ServerOptions {
  readonly json?: boolean;
}

const JSON_INDENT = 2;

/** What a command works with. */
export interface CommandContext {
  readonly terminal: Terminal;
  readonly server: ServerClient;
  readonly isJson: boolean;
  /** Shows an answer: as JSON when asked for, else as the text, of which tables fit the columns. */
  show(content: unknown, text: (columns: number) => DisplayText): void;
}

export type CommandAction<Arguments extends unknown[]> = (
  context: CommandContext,
  ...values: Arguments
) => Promise<ExitName | void>;

export function commandContext(terminal: Terminal, options: GlobalOptions): CommandContext {
  const isJson = options.json === true;
  return {
    terminal,
    server: new ServerClient(options),
    isJson,
    show: (content, text) =>
      print(terminal, isJson ? displayJson(content, JSON_INDENT) : text(tableColumns(terminal))),
  };
}

/** `code: message`, and the hint on a line of its own. A message may have several lines, and names from backups. */
export function describeError({ code, message, hint }: BackupError): DisplayText {
  return displayText(`${code}: ${message}\n${hint}`);
}

/** Puts an action on a command: the way every command that talks to a server is written. */
export type Act = <Arguments extends unknown[]>(
  command: Command,
  action: CommandAction<Arguments>,
) => void;
