export const probe = [
  Buffer, // report: no-restricted-globals
  crypto, // report: no-restricted-globals
  structuredClone, // report: no-restricted-globals
  fetch, // report: no-restricted-globals
  process, // report: no-restricted-globals
  performance, // report: no-restricted-globals
  require, // report: no-restricted-globals
];
