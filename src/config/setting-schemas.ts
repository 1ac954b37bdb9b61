/** Pieces that the schema of the configuration is made of. */

import { z } from 'zod';

/** Also the only characters that are safe in folder names, queue names and environment variables alike. */
export const SLUG = /^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/;

interface SettingText {
  readonly description: string;
  /** The allowed range in words, shown with every fault. */
  readonly allowed: string;
}

export const port = (text: SettingText) =>
  z
    .int()
    .min(0)
    .max(65_535)
    .meta({ ...text });
export const filePath = (text: SettingText) =>
  z
    .string()
    .min(1)
    .refine((path) => !path.includes('\0'), 'a path cannot hold a NUL character')
    .meta({ ...text });

export const PATH_ALLOWED = 'a path; relative ones start at the folder of the configuration file';
