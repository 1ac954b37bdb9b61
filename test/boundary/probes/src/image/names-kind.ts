export const isOne = (name: string): boolean => name === 'gzip';
export const isThere = (name: string): boolean => name === 'directory'; // report: no-restricted-syntax
