/** Rules that span several settings. They look at each part that is well-formed by itself, so that one faulty setting does not hide them. */

import { isAbsolute, relative, resolve } from 'node:path';
import { z } from 'zod';
import { kindOf } from '../repository/kinds.js';
import type { RepositoryConfig } from './config.js';
import { repositorySchema } from './schema.js';
import { isSection } from './environment.js';
import type { FolderPlace, PlaceOf } from './folder-places.js';
import { folderOf, placeOf } from './repository-storage.js';

interface CrossFault {
  readonly path: readonly PropertyKey[];
  readonly message: string;
}

/** `value` is the configuration as written; `folder` is where relative paths start. */
export function crossFaults(value: unknown, folder: string, placeOf: PlaceOf): CrossFault[] {
  if (!isSection(value)) return [];
  const places: PlaceOf = (path) => placeOf(resolve(folder, path));
  const repositories = wellFormedRepositories(value.repositories);
  return [
    ...tokenFaults(value.server),
    ...certificateFaults(value.temporal),
    ...idFaults(repositories),
    ...placeFaults(repositories, places),
    ...contentsFaults(repositories),
    ...immutableFaults(repositories),
    ...primaryBackupFaults(value.primaryBackups, repositories),
    ...stateFaults(stateOf(value), repositories, places),
  ];
}

/** Absolute folders whose places `crossFaults` asks for. */
export function comparedFolders(value: unknown, folder: string): string[] {
  if (!isSection(value)) return [];
  const held = wellFormedRepositories(value.repositories).flatMap(
    ({ repository }) => folderOf(repository) ?? [],
  );
  const state = stateOf(value);
  const all = typeof state === 'string' ? [...held, state] : held;
  // One alone is compared with none.
  return held.length === 0 ? [] : all.map((path) => resolve(folder, path));
}

function stateOf(value: Readonly<Record<string, unknown>>): unknown {
  return value['stateDirectory'] ?? './state';
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
  if (!isSection(server) || (server.tokenFile ?? null) !== null) return [];
  if ((server.signIn ?? null) !== null) {
    const message = 'required because server.signIn is set: the way in when nobody can sign in';
    return [{ path: ['server', 'tokenFile'], message }];
  }
  if (typeof server.address !== 'string' || isLoopback(server.address)) return [];
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

/** Two repositories must not be one, nor lie one inside the other. */
function placeFaults(entries: readonly Entry[], places: PlaceOf): CrossFault[] {
  return entries.flatMap(({ index, repository }) => {
    const own = folderOf(repository);
    return entries
      .filter((other) => other.index < index)
      .flatMap(({ repository: other }) => {
        const theirs = folderOf(other);
        const relation =
          own !== null && theirs !== null
            ? nesting(places(own), places(theirs))
            : samePlace(repository, other);
        if (relation === null) return [];
        const message = `${placeOf(repository)} is ${relation} the ${own === null ? 'place' : 'folder'} of repository ${other.id}`;
        const { placeSetting } = kindOf(repository);
        return [{ path: ['repositories', index, placeSetting], message }];
      });
  });
}

function samePlace(own: RepositoryConfig, other: RepositoryConfig): 'the same as' | null {
  return own.kind === other.kind && placeOf(own) === placeOf(other) ? 'the same as' : null;
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

function contentsFaults(entries: readonly Entry[]): CrossFault[] {
  return entries.flatMap(({ index, repository: { role, contents } }) =>
    role === 'target' && contents === 'dated-tree'
      ? [
          {
            path: ['repositories', index, 'contents'],
            message:
              'dated-tree is what a source holds; a repository of role target holds what Longhaul writes',
          },
        ]
      : [],
  );
}

/** A program may not write into a target, nor to what is not configured. */
function primaryBackupFaults(list: unknown, entries: readonly Entry[]): CrossFault[] {
  if (!Array.isArray(list)) return [];
  return list.flatMap((entry: unknown, index) => {
    const id = isSection(entry) ? entry.repositoryId : undefined;
    if (typeof id !== 'string') return [];
    const known = entries.find(({ repository }) => repository.id === id);
    const path = ['primaryBackups', index, 'repositoryId'];
    if (known === undefined) return [{ path, message: `no repository ${id} is configured` }];
    if (known.repository.role !== 'target') return [];
    return [{ path, message: `${id} has role target: only Longhaul writes to it` }];
  });
}

function stateFaults(state: unknown, entries: readonly Entry[], places: PlaceOf): CrossFault[] {
  const parsed = z.string().min(1).safeParse(state);
  if (!parsed.success) return [];
  return entries.flatMap(({ repository }) => {
    const held = folderOf(repository);
    const relation = held === null ? null : nesting(places(parsed.data), places(held));
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

function nesting(own: FolderPlace, other: FolderPlace): 'the same as' | 'inside' | 'above' | null {
  if (own.path === other.path || isOne(own.identities[0], other.identities[0]))
    return 'the same as';
  if (isInside(own.path, other.path) || holds(own.identities, other.identities[0])) return 'inside';
  if (isInside(other.path, own.path) || holds(other.identities, own.identities[0])) return 'above';
  return null;
}

function isInside(path: string, parent: string): boolean {
  const way = relative(parent, path);
  return way !== '' && way !== '..' && !way.startsWith('../') && !isAbsolute(way);
}

function isOne(identity: string | null | undefined, other: string | null | undefined): boolean {
  return identity !== null && identity !== undefined && identity === other;
}

function holds(
  [, ...above]: readonly (string | null)[],
  other: string | null | undefined,
): boolean {
  return above.some((identity) => isOne(identity, other));
}
