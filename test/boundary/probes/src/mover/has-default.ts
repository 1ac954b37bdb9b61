export default 1; // report: no-restricted-syntax
