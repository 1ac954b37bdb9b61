console.log('only commands print'); // report: no-console
export const probe = process.env['HOME']; // report: no-restricted-properties
