// TODO later // report: no-warning-comments
export const probe = '/home/somebody/backups'; // report: no-restricted-syntax
