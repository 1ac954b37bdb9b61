import { directoryKind } from '../repository/directory/directory-kind.js'; // report: @typescript-eslint/no-restricted-imports

export function isFolder(kind: string): boolean {
  return kind === 'directory' && directoryKind !== null; // report: no-restricted-syntax
}
export const isOther = (name: string): boolean => name === `directory`; // report: no-restricted-syntax
export const words = (name: string): string => `the directory ${name}`;
