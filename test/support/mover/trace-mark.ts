/** In front of the name of an operation: a file that is not there, looked for as a mark in a trace of the calls. */
export const MARK = '/longhaul-mark/';
