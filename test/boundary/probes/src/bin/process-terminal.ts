/** The one file that may. */
export const write = (text: string): boolean => process.stdout.write(text);
