/** The one file that may. */
declare const terminal: { out(text: string): void };

export const print = (text: string): void => terminal.out(text);
