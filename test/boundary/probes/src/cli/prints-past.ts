declare type DisplayText = string & { readonly displayed: true };
declare const terminal: { out(text: string): void; err(text: string): void };

export const probe = (name: string): void => {
  console.log(name); // report: no-console
  process.stdout.write(name); // report: no-restricted-syntax
  process.stderr.write(name); // report: no-restricted-syntax
  terminal.out(name); // report: no-restricted-syntax
  terminal.err(name); // report: no-restricted-syntax
};
export const shown = (name: string): DisplayText => name as DisplayText; // report: no-restricted-syntax
