// TODO: later // report: no-warning-comments
export const later = null;
