export const isOne = (name: string): boolean => name === 'virtnbd'; // report: no-restricted-syntax
export const isThere = (name: string): boolean => name === 'directory'; // report: no-restricted-syntax
