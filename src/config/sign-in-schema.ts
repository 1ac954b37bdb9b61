/** The section `server.signIn` of the configuration. */

import { z } from 'zod';
import { givesAnyRole, type SignInSettings } from '../domain/access/sign-in.js';
import { filePath, PATH_ALLOWED } from './setting-schemas.js';

const values = z.array(z.string().min(1)).max(1_000).default([]);

export const signInSchema: z.ZodType<SignInSettings | null> = z
  .strictObject({
    issuer: z
      .string()
      .refine((text) => isSafeUrl(text), 'neither https nor on this machine')
      .meta({
        description:
          'Address of the identity provider (OpenID Connect) at which people sign in; it is asked for the rest (`/.well-known/openid-configuration`).',
        allowed: '`https://…`; `http://` on this machine only',
      }),
    clientId: z.string().min(1).meta({
      description: 'Under which this server is known there.',
      allowed: 'a text',
    }),
    clientSecretFile: filePath({
      description: 'File that holds the secret of the client. Unset: a public client.',
      allowed: PATH_ALLOWED,
    })
      .nullable()
      .default(null),
    publicUrl: z
      .string()
      .refine((text) => isSafeUrl(text) && new URL(text).origin === text, 'not of that form')
      .meta({
        description:
          'Where browsers reach this server. `<publicUrl>/sign-in/callback` is the redirect address to be registered. With `https://` cookies are sent over TLS alone.',
        allowed: '`https://host` or `https://host:port`; `http://` on this machine only',
      }),
    scope: z
      .string()
      .regex(/^(?:\S+ )*openid(?: \S+)*$/)
      .default('openid profile')
      .meta({ description: 'What is asked for.', allowed: 'words, `openid` among them' }),
    nameClaim: z.string().min(1).default('preferred_username').meta({
      description: 'Claim with the name that is shown and stands in the audit lines.',
      allowed: 'a name, or a path with dots',
    }),
    roleClaim: z.string().min(1).default('groups').meta({
      description:
        'Claim that gives roles: a text or a list. Taken from the ID token, or else from the user info.',
      allowed: 'a name, or a path with dots (`realm_access.roles`)',
    }),
    roles: z
      .strictObject({ viewer: values, operator: values, restorer: values, administrator: values })
      .refine(givesAnyRole, 'no value gives a role')
      .meta({
        description:
          'Values of the claim that give each role (Access, below). Who has several gets the first of administrator, operator, restorer, viewer; who has none is not let in.',
        allowed: '`{ viewer: […], operator: […], restorer: […], administrator: […] }`',
      }),
    cookieKeyFile: filePath({
      description:
        'File that holds at least 32 random characters, with which cookies are sealed; several servers behind one address share it. Unset: a key of the process, so people sign in anew after a restart.',
      allowed: PATH_ALLOWED,
    })
      .nullable()
      .default(null),
    hours: z.int().min(1).max(168).default(8).meta({
      description:
        'How long somebody stays signed in. A role that is taken from him holds so long.',
      allowed: '1 to 168',
    }),
  })
  .nullable()
  .default(null);

/** What passes over it can be read on the way unless it is TLS. */
function isSafeUrl(text: string): boolean {
  const url = URL.canParse(text) ? new URL(text) : null;
  if (url === null || url.username !== '' || url.password !== '') return false;
  return url.protocol === 'https:' || (url.protocol === 'http:' && isOnThisMachine(url.hostname));
}

function isOnThisMachine(hostname: string): boolean {
  return hostname === 'localhost' || hostname === '[::1]' || /^127(?:\.\d{1,3}){3}$/.test(hostname);
}
