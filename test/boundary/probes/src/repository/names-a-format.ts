export const isOne = (name: string): boolean => name === 'dump'; // report: no-restricted-syntax
export const isThere = (name: string): boolean => name === 'directory';
