export const probe = 1; // report: longhaul/file-name
