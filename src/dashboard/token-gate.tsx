import { Button, PasswordInput } from '@mantine/core';
import { useState, type FormEvent, type ReactNode } from 'react';
import { queryClient } from './client/queries.js';
import { useObservable } from './client/observable.js';
import { keepToken, tokenState } from './client/token.js';

/** Asks for the token when the server wants one; whatever was on the screen comes back after it. */
export function TokenGate({ children }: { readonly children: ReactNode }) {
  const state = useObservable(tokenState);
  return state === 'enough' ? children : <TokenForm wasWrong={state === 'wrong'} />;
}

function TokenForm({ wasWrong }: { readonly wasWrong: boolean }) {
  const [token, setToken] = useState('');
  const submit = (event: FormEvent): void => {
    event.preventDefault();
    keepToken(token.trim());
    void queryClient.resetQueries();
  };
  return (
    <main className="main">
      <h1>Longhaul</h1>
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
        <Button type="submit" disabled={token.trim() === ''} w="fit-content">
          Use it
        </Button>
      </form>
    </main>
  );
}
