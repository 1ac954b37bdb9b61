import { Button } from '@mantine/core';
import { useAction } from './client/actions.js';
import { queryClient } from './client/queries.js';
import { useMe } from './client/refusals.js';
import { currentToken, forgetToken } from './client/token.js';
import { printable } from '../domain/printable.js';

/** Who this page acts for. At the server's own machine without a token nobody signs out. */
export function WhoAmI() {
  const me = useMe();
  const signOut = useAction({
    method: 'POST',
    path: '/sign-out',
    done: 'You are signed out.',
    then: () => {
      forgetToken();
      // The server refuses them now, and says how to come in again.
      void queryClient.resetQueries();
    },
  });
  if (me.data === undefined) return null;
  const { name, role, subject } = me.data;
  return (
    <div className="who">
      <span>
        {printable(name)}
        <br />
        <small>{role}</small>
      </span>
      {(subject !== null || currentToken() !== null) && (
        <Button
          size="compact-xs"
          variant="default"
          loading={signOut.isPending}
          onClick={() => signOut.mutate()}
        >
          Sign out
        </Button>
      )}
    </div>
  );
}
