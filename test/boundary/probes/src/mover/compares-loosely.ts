export const isOne = (count: unknown): boolean => count == 1; // report: eqeqeq
