/** What this server is and how it is set up. No secret is among it: of each the configuration holds the file alone. */

import { z } from 'zod';
import type { LonghaulConfig } from '../config/config.js';
import { settingAt } from '../config/settings.js';
import { instant } from './field-schemas.js';
import { jsonRoute, type Route } from './route.js';

export interface SystemView {
  /** Of Longhaul; null: not known. */
  readonly version: string | null;
  readonly nodeVersion: string;
  /** Of this process. */
  readonly startedAt: string;
  /** Of new jobs that name none. */
  readonly timeZone: string;
  readonly temporal: {
    readonly namespace: string;
    /** Address of its web pages; null: not known, because it runs elsewhere. */
    readonly uiUrl: string | null;
  };
  readonly settings: readonly SettingView[];
}

export interface SettingView {
  /** Place in the configuration file (`server.port`). */
  readonly path: string;
  readonly value: string;
  readonly isDefault: boolean;
  readonly description: string;
}

/** What the process knows of itself. */
interface AboutServer {
  readonly version: string | null;
  readonly startedAtMs: number;
  readonly timeZone: string;
  /** Of Temporal. */
  readonly namespace: () => string;
  readonly temporalUiUrl: string | null;
}

const systemSchema: z.ZodType<SystemView> = z
  .object({
    version: z.string().nullable(),
    nodeVersion: z.string(),
    startedAt: instant,
    timeZone: z.string(),
    temporal: z
      .object({ namespace: z.string(), uiUrl: z.string().nullable() })
      .meta({ id: 'TemporalPlace' }),
    settings: z.array(
      z
        .object({
          path: z.string(),
          value: z.string(),
          isDefault: z.boolean(),
          description: z.string(),
        })
        .meta({ id: 'SettingInForce' }),
    ),
  })
  .meta({ id: 'System' });

export function systemRoutes(about: AboutServer, config: LonghaulConfig): Route[] {
  return [
    jsonRoute({
      method: 'get',
      path: '/system',
      operationId: 'getSystem',
      needs: 'view',
      subject: 'site',
      summary: 'Version, Temporal and settings of this server.',
      status: 200,
      answer: systemSchema,
      errors: [],
      run: async () => ({ content: systemView(about, config) }),
    }),
  ];
}

function systemView(about: AboutServer, config: LonghaulConfig): SystemView {
  const { version, startedAtMs, timeZone, namespace, temporalUiUrl } = about;
  return {
    version,
    nodeVersion: process.version,
    startedAt: new Date(startedAtMs).toISOString(),
    timeZone,
    temporal: { namespace: namespace(), uiUrl: temporalUiUrl },
    settings: settingViews(config, []),
  };
}

type Value = object | string | number | boolean | null;

/** Each value with its place, in the order of the configuration. */
function settingViews(value: Value, path: readonly (string | number)[]): SettingView[] {
  if (typeof value === 'object' && value !== null) {
    return Object.entries(value).flatMap(([name, inner]: [string, Value]) =>
      settingViews(inner, [...path, Array.isArray(value) ? Number(name) : name]),
    );
  }
  const text = value === null ? 'none' : String(value);
  const setting = settingAt(path);
  return [
    {
      path: path.join('.'),
      value: text,
      // What is not set is left to its default, also a group of settings that is not there.
      isDefault: value === null || text === (setting?.defaultText ?? '').replaceAll('`', ''),
      description: setting?.description ?? '',
    },
  ];
}
