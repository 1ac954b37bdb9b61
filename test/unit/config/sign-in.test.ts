import { describe, expect, it } from 'vitest';
import { parseConfig } from '../../../src/config/load-config.js';
import { isBackupError } from '../../../src/domain/errors.js';

const SIGN_IN = {
  issuer: 'https://id.example.com/realms/main',
  clientId: 'longhaul',
  clientSecretFile: 'oidc-client',
  publicUrl: 'https://backup.example.com',
  roles: { administrator: ['backup-admins'] },
};

function parsed(signIn: object, tokenFile: string | null = 'token') {
  const text = JSON.stringify({
    repositories: [{ id: 'offsite', path: '/mnt', role: 'target' }],
    server: { tokenFile, signIn },
  });
  return parseConfig(text, { name: 'test', folder: '/etc', environment: {} }).server.signIn;
}

function faultOf(signIn: object, tokenFile: string | null = 'token'): string {
  try {
    parsed(signIn, tokenFile);
    return 'none';
  } catch (error) {
    return isBackupError(error, 'CONFIG_INVALID')
      ? error.message.split('\n').slice(1).join('\n')
      : '';
  }
}

describe('server.signIn', () => {
  it('asks for four settings, and has the others as most providers want them', () => {
    expect(parsed(SIGN_IN)).toEqual({
      ...SIGN_IN,
      clientSecretFile: '/etc/oidc-client',
      scope: 'openid profile',
      nameClaim: 'preferred_username',
      roleClaim: 'groups',
      roles: { viewer: [], operator: [], restorer: [], administrator: ['backup-admins'] },
      cookieKeyFile: null,
      hours: 8,
    });
  });

  it('is refused without the token that stays when nobody can sign in', () => {
    expect(faultOf(SIGN_IN, null)).toMatch(
      /server\.tokenFile.*required because server\.signIn is set/,
    );
  });

  it.each([
    ['issuer', 'http://id.example.com'],
    ['issuer', 'id.example.com'],
    ['issuer', 'https://user:secret@id.example.com'],
    ['publicUrl', 'http://backup.example.com'],
    ['publicUrl', 'https://backup.example.com/'],
    ['publicUrl', 'https://backup.example.com/longhaul'],
    ['publicUrl', 'http://127.0.0.1.attacker.example'],
    ['scope', 'profile'],
    ['hours', 0],
    ['roles', {}],
    ['roles', { administrator: [] }],
    ['roles', { owner: ['staff'] }],
  ])('is refused with %s %o', (setting, value) => {
    expect(faultOf({ ...SIGN_IN, [setting]: value })).toContain(`server.signIn.${setting}`);
  });

  it.each(['http://localhost:8420', 'http://127.0.0.1:8420', 'http://[::1]:8420'])(
    'may be reached without TLS at %s',
    (publicUrl) => {
      expect(parsed({ ...SIGN_IN, publicUrl })).toMatchObject({ publicUrl });
    },
  );
});
