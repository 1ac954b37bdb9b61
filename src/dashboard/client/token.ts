/** The bearer token, when the server wants one. It is kept for this tab alone, and forgotten with it. */

import { observable } from './observable.js';

const PLACE = 'longhaul.token';

/** `needed`: the server refused a call for want of a token. `wrong`: it refused the one that was given. */
export const tokenState = observable<'enough' | 'needed' | 'wrong'>('enough');

/** Where the server lets people sign in; null: it takes tokens alone. */
export const signInPath = observable<string | null>(null);

export function currentToken(): string | null {
  return sessionStorage.getItem(PLACE);
}

export function keepToken(token: string): void {
  sessionStorage.setItem(PLACE, token);
  tokenState.set('enough');
}

export function forgetToken(): void {
  sessionStorage.removeItem(PLACE);
}

/** @param signIn what the server offers instead; undefined: its answer was given up before it was read */
export function tokenRefused(signIn: string | null | undefined): void {
  if (signIn !== undefined) signInPath.set(signIn);
  tokenState.set(currentToken() === null ? 'needed' : 'wrong');
}
