export const probe = (name: string): boolean => process.stdout.write(name); // report: no-restricted-syntax
