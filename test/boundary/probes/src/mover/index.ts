export * from './helpers.js'; // report: longhaul/file-name, no-restricted-syntax
