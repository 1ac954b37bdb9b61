import { openQcow2Image } from '../image/qcow2/qcow2-image.js'; // report: @typescript-eslint/no-restricted-imports
import { imageFormat } from '../image/formats.js';

export const isOne = (id: string): boolean => id === 'qcow2'; // report: no-restricted-syntax
export const opened = [openQcow2Image, imageFormat];
