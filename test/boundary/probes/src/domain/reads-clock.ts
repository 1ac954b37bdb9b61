export const probe = [
  Date.now(), // report: no-restricted-syntax
  new Date(), // report: no-restricted-syntax
  Math.random(), // report: no-restricted-syntax
  new Date(0),
];
