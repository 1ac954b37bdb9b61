import { opaqueFormat } from './opaque-format.js';

/** Any file: what no other format describes, and what a tool keeps beside its disks. */
export const FILE = opaqueFormat({ id: 'file', extension: 'file' });
