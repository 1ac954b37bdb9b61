import '@mantine/core/styles.css';
import '@mantine/notifications/styles.css';
import './dashboard.css';
import { MantineProvider } from '@mantine/core';
import { Notifications } from '@mantine/notifications';
import { QueryClientProvider } from '@tanstack/react-query';
import { setNonce } from 'get-nonce';
import { StrictMode } from 'react';
import { createRoot } from 'react-dom/client';
import { queryClient } from './client/queries.js';
import { Pages } from './pages.js';
import { Shell } from './shell.js';
import { theme } from './theme.js';
import { TokenGate } from './token-gate.js';

/** Style sheets made at run time need the nonce of the page: Mantine's own, and those of its dialogs, which ask `get-nonce`. */
const nonce = document.querySelector<HTMLMetaElement>('meta[property="csp-nonce"]')?.nonce ?? '';
setNonce(nonce);

createRoot(document.getElementById('root')!).render(
  <StrictMode>
    <MantineProvider theme={theme} defaultColorScheme="auto" getStyleNonce={() => nonce}>
      <QueryClientProvider client={queryClient}>
        <Notifications position="bottom-right" />
        <TokenGate>
          <Shell>
            <Pages />
          </Shell>
        </TokenGate>
      </QueryClientProvider>
    </MantineProvider>
  </StrictMode>,
);
