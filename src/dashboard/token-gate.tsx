import { Button, PasswordInput } from '@mantine/core';
import { useState, type FormEvent, type ReactNode } from 'react';
import { queryClient, withQuery } from './client/queries.js';
import { useObservable } from './client/observable.js';
import { currentToken, keepToken, signInPath, tokenState } from './client/token.js';

/** Asks who it is when the server wants to know; whatever was on the screen comes back after it. */
export function TokenGate({ children }: { readonly children: ReactNode }) {
  const state = useObservable(tokenState);
  return state === 'enough' ? children : <TokenForm wasWrong={state === 'wrong'} />;
}

function TokenForm({ wasWrong }: { readonly wasWrong: boolean }) {
  const signIn = useObservable(signInPath);
  const [token, setToken] = useState('');
  const submit = (event: FormEvent): void => {
    event.preventDefault();
    keepToken(token.trim());
    void queryClient.resetQueries();
  };
  return (
    <main className="main">
      <h1>Longhaul</h1>
      {signIn !== null && <SignInLink path={signIn} />}
      <form onSubmit={submit} className="section stack" aria-label="Token">
        <PasswordInput
          label="Token of this server"
          description="One that an administrator made for you, or the one in the file that server.tokenFile of the configuration names. This tab alone keeps it, until it is closed."
          value={token}
          onChange={(event) => setToken(event.currentTarget.value)}
          error={wasWrong ? 'The server did not take this token.' : null}
          autoComplete="off"
          required
          data-autofocus
        />
        <Button
          type="submit"
          variant={signIn === null ? 'filled' : 'default'}
          disabled={token.trim() === ''}
          w="fit-content"
        >
          Use it
        </Button>
      </form>
    </main>
  );
}

/** It leads back to the page that was opened. */
function SignInLink({ path }: { readonly path: string }) {
  const { pathname, search, hash } = window.location;
  return (
    <section className="section stack" aria-label="Sign in">
      <p className="definition">
        {currentToken() === null ? 'You are not signed in.' : 'Your token does not hold.'} Sign in
        at the identity provider of this site, or use a token below.
      </p>
      <Button
        component="a"
        href={withQuery(path, { to: `${pathname}${search}${hash}` })}
        w="fit-content"
      >
        Sign in
      </Button>
    </section>
  );
}
