import { openQcow2Image } from '../image/qcow2/qcow2-image.js'; // report: @typescript-eslint/no-restricted-imports
import { imageFormat } from '../image/formats.js';

export const isOne = (id: string): boolean => id === 'qcow2'; // report: no-restricted-syntax
export const opened = [openQcow2Image, imageFormat];
export const isOther = (id: string): boolean => id === `vmdk`; // report: no-restricted-syntax
export const nameOf = (disk: string): string => `${disk}.qcow2`; // report: no-restricted-syntax
export const byFormat = {
  vhdx: 1, // report: no-restricted-syntax
  'vmdk-stream': 2, // report: no-restricted-syntax
};
export interface ByFormat {
  readonly vma: number; // report: no-restricted-syntax
}
export const ofOne = (table: Record<string, number>): number | undefined => table.virtnbd; // report: no-restricted-syntax
export const isNone = (id: string): boolean => id === `vmdkish`;
