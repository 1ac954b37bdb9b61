/** Rules that span several settings. They look at each part that is well-formed by itself, so that one faulty setting does not hide them. */

import { realpathSync } from 'node:fs';
import { isAbsolute, relative, resolve } from 'node:path';
import { z } from 'zod';
import type { RepositoryConfig } from './config.js';
import { repositorySchema } from './schema.js';
import { isSection } from './environment.js';

export interface CrossFault {
  readonly path: readonly PropertyKey[];
  readonly message: string;
}

/** `value` is the configuration as written; `folder` is where relative paths start. */
export function crossFaults(value: unknown, folder: string): CrossFault[] {
  if (!isSection(value)) return [];
  const repositories = wellFormedRepositories(value.repositories);
  return [
    ...tokenFaults(value.server),
    ...certificateFaults(value.temporal),
    ...idFaults(repositories),
    ...pathFaults(repositories, folder),
    ...immutableFaults(repositories),
    ...stateFaults(value.stateDirectory ?? './state', repositories, folder),
  ];
}

export function isLoopback(address: string): boolean {
  return address === 'localhost' || address === '::1' || /^127(?:\.\d{1,3}){3}$/.test(address);
}

interface Entry {
  readonly index: number;
  readonly repository: RepositoryConfig;
}

function wellFormedRepositories(list: unknown): Entry[] {
  if (!Array.isArray(list)) return [];
  return list.flatMap((entry: unknown, index) => {
    const parsed = repositorySchema.safeParse(entry);
    return parsed.success ? [{ index, repository: parsed.data }] : [];
  });
}

function tokenFaults(server: unknown): CrossFault[] {
  if (!isSection(server) || typeof server.address !== 'string') return [];
  if (isLoopback(server.address) || (server.tokenFile ?? null) !== null) return [];
  const message = `required because the server listens on ${server.address}, which is not loopback (TOKEN_REQUIRED)`;
  return [{ path: ['server', 'tokenFile'], message }];
}

function certificateFaults(temporal: unknown): CrossFault[] {
  const tls = isSection(temporal) ? temporal.tls : null;
  if (!isSection(tls)) return [];
  const [cert, key] = [tls.certFile ?? null, tls.keyFile ?? null];
  if ((cert === null) === (key === null)) return [];
  const [missing, present] = cert === null ? ['certFile', 'keyFile'] : ['keyFile', 'certFile'];
  return [{ path: ['temporal', 'tls', missing], message: `required because ${present} is set` }];
}

function idFaults(entries: readonly Entry[]): CrossFault[] {
  return entries.flatMap(({ index, repository: { id } }) => {
    const first = entries.find((entry) => entry.repository.id === id);
    return first === undefined || first.index === index
      ? []
      : [
          {
            path: ['repositories', index, 'id'],
            message: `${id} is taken by repositories[${first.index}]`,
          },
        ];
  });
}

function pathFaults(entries: readonly Entry[], folder: string): CrossFault[] {
  return entries.flatMap(({ index, repository }) => {
    const own = realPath(folder, repository.path);
    return entries
      .filter((other) => other.index < index)
      .flatMap((other) => {
        const relation = nesting(own, realPath(folder, other.repository.path));
        if (relation === null) return [];
        const message = `${repository.path} is ${relation} the folder of repository ${other.repository.id}`;
        return [{ path: ['repositories', index, 'path'], message }];
      });
  });
}

function immutableFaults(entries: readonly Entry[]): CrossFault[] {
  return entries.flatMap(({ index, repository: { role, immutableForDays } }) =>
    role !== 'target' && immutableForDays > 0
      ? [
          {
            path: ['repositories', index, 'immutableForDays'],
            message: `${immutableForDays} has no effect on a repository of role ${role}, which Longhaul never writes`,
          },
        ]
      : [],
  );
}

function stateFaults(state: unknown, entries: readonly Entry[], folder: string): CrossFault[] {
  const parsed = z.string().min(1).safeParse(state);
  if (!parsed.success) return [];
  return entries.flatMap(({ repository }) => {
    const relation = nesting(realPath(folder, parsed.data), realPath(folder, repository.path));
    return relation === null || relation === 'above'
      ? []
      : [
          {
            path: ['stateDirectory'],
            message: `${parsed.data} is ${relation} repository ${repository.id}`,
          },
        ];
  });
}

function nesting(path: string, other: string): 'the same as' | 'inside' | 'above' | null {
  if (path === other) return 'the same as';
  if (isInside(path, other)) return 'inside';
  return isInside(other, path) ? 'above' : null;
}

function isInside(path: string, parent: string): boolean {
  const way = relative(parent, path);
  return way !== '' && way !== '..' && !way.startsWith('../') && !isAbsolute(way);
}

/** Symbolic links are followed as far as the folder exists: two names of one folder are one repository. */
function realPath(folder: string, path: string): string {
  const absolute = resolve(folder, path);
  try {
    return realpathSync(absolute);
  } catch {
    return absolute;
  }
}
