/** Who may do what: roles of tokens, and what a token may be bound to. */

export const ROLES = ['viewer', 'operator', 'restorer', 'administrator'] as const;
export type Role = (typeof ROLES)[number];

/** `view`: see everything. `operate`: start, pause, stop, verify. `restore`: write disks out of a repository. `halt`: end a check or a restore that
 *  runs. `administer`: change what is copied, how long it stays, and who may do what. */
export type Permission = 'view' | 'operate' | 'restore' | 'halt' | 'administer';

const GRANTED: Readonly<Record<Role, readonly Permission[]>> = {
  viewer: ['view'],
  operator: ['view', 'operate', 'halt'],
  restorer: ['view', 'restore', 'halt'],
  administrator: ['view', 'operate', 'restore', 'halt', 'administer'],
};

/** Jobs and repositories that a token is for, by id. It sees no list of all, and makes nothing new. */
export interface TokenScope {
  readonly jobs: readonly string[];
  readonly repositories: readonly string[];
}

/** What the address of a request names. `site`: all jobs and repositories, or the server; `own`: what the caller may see of these, and no more;
 *  `nothing`: what is the same for everybody. */
export type Subject = 'job' | 'session' | 'repository' | 'operation' | 'site' | 'own' | 'nothing';

/** A token as it is kept: never itself, only its digest. */
export interface AccessToken {
  /** Part of the token; no secret. */
  readonly id: string;
  readonly name: string;
  readonly role: Role;
  /** null: everything. */
  readonly scope: TokenScope | null;
  /** SHA-256 of the whole token, hex. */
  readonly digest: string;
  readonly createdBy: string;
  /** RFC 3339 UTC. */
  readonly createdAt: string;
  /** null: never. */
  readonly expiresAt: string | null;
  /** To the hour; null: never. */
  readonly lastUsedAt: string | null;
}

/** Who asks. */
export interface Caller {
  readonly name: string;
  readonly role: Role;
  readonly scope: TokenScope | null;
  /** What the identity provider calls him, at which he signed in; null: he did not, but has a token or sits at this machine. */
  readonly subject: string | null;
  /** RFC 3339 UTC; null: never. */
  readonly expiresAt: string | null;
}

export function isExpired({ expiresAt }: Pick<AccessToken, 'expiresAt'>, nowMs: number): boolean {
  return expiresAt !== null && Date.parse(expiresAt) <= nowMs;
}

interface Wish {
  readonly needs: Permission;
  readonly subject: Subject;
  /** Of what the address names. */
  readonly subjectId: string;
}

/** Why the caller may not; null: he may. */
export function refusalOf(caller: Caller, { needs, subject, subjectId }: Wish): string | null {
  const { scope } = caller;
  return (
    refusedRole(caller, needs) ??
    (scope === null || isForEverybody(subject) || isInScope(scope, subject, subjectId)
      ? null
      : refusedScope(caller.name, scope))
  );
}

/** Why the caller may not, whatever the address names; null: of something he may. */
export function refusalEverywhere(
  caller: Caller,
  { needs, subject }: Omit<Wish, 'subjectId'>,
): string | null {
  const { scope } = caller;
  return (
    refusedRole(caller, needs) ??
    (scope === null || isForEverybody(subject) || isAnyInScope(scope, subject)
      ? null
      : refusedScope(caller.name, scope))
  );
}

/** Why the caller may not let what he changes reach what it names; null: he may. What it reached before it may go on to reach. */
export function refusalBeyond(
  { name, scope }: Pick<Caller, 'name' | 'scope'>,
  named: TokenScope,
  present: TokenScope,
): string | null {
  if (scope === null) return null;
  const beyond = (field: keyof TokenScope) =>
    named[field].filter((id) => !scope[field].includes(id) && !present[field].includes(id));
  const texts = [
    ...beyond('jobs').map((id) => `job ${id}`),
    ...beyond('repositories').map(repositoryText),
  ];
  if (texts.length === 0) return null;
  return `${refusedScope(name, scope)}, and this reaches ${[...new Set(texts)].join(', ')}`;
}

/** Why the caller may not do what reaches beyond any job and repository; null: he may. */
export function refusalOutside({ name, scope }: Caller): string | null {
  return scope === null ? null : refusedScope(name, scope);
}

function refusedRole({ name, role }: Caller, needs: Permission): string | null {
  if (GRANTED[role].includes(needs)) return null;
  return `${name} is ${role}; this needs ${rolesWith(needs).join(' or ')}`;
}

function refusedScope(name: string, { jobs, repositories }: TokenScope): string {
  const named = [...jobs.map((id) => `job ${id}`), ...repositories.map(repositoryText)];
  return `the token of ${name} is for ${named.join(', ')} alone`;
}

/** A session's id is its job's with its start. */
export function jobOfSession(sessionId: string): string {
  return sessionId.replace(/-\d{8}T\d{6}Z$/, '');
}

/** An operation's id is its kind, its repository and what it is about. */
export function repositoryOfOperation(operationId: string): string {
  return operationId.split('.')[1] ?? '';
}

function repositoryText(id: string): string {
  return `repository ${id}`;
}

const KINDS_OF_JOBS: readonly (string | undefined)[] = ['map', 'detach'];

function isOperationInScope({ jobs, repositories }: TokenScope, id: string): boolean {
  const [kind, repositoryId = '', ...rest] = id.split('.');
  const [jobId = ''] = rest.join('.').split(':');
  return (
    repositories.includes(repositoryId) || (KINDS_OF_JOBS.includes(kind) && jobs.includes(jobId))
  );
}

function rolesWith(permission: Permission): Role[] {
  return ROLES.filter((role) => GRANTED[role].includes(permission));
}

function isForEverybody(subject: Subject): boolean {
  return subject === 'nothing' || subject === 'own';
}

function isAnyInScope({ jobs, repositories }: TokenScope, subject: Subject): boolean {
  if (subject === 'job' || subject === 'session') return jobs.length > 0;
  if (subject === 'operation') return repositories.length > 0 || jobs.length > 0;
  return subject === 'repository' && repositories.length > 0;
}

/** Session: `<job>-<start>`. Operation: `<kind>.<repository>.<rest>`; of one that gives a job's copies to another job or to none the rest begins with that
 *  job, and whoever may order it for the job may see how it goes on. */
function isInScope({ jobs, repositories }: TokenScope, subject: Subject, id: string): boolean {
  switch (subject) {
    case 'job':
      return jobs.includes(id);
    case 'session':
      return jobs.includes(jobOfSession(id));
    case 'repository':
      return repositories.includes(id);
    case 'operation':
      return isOperationInScope({ jobs, repositories }, id);
    default:
      return false;
  }
}
