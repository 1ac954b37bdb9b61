import { Button } from '@mantine/core';
import { Component, type ReactNode } from 'react';
import { Fault } from './show/fault.js';
import { Page } from './show/page.js';

interface PageErrorsProps {
  readonly children: ReactNode;
}

/** A page that cannot be loaded or shown leaves the frame, and says so: an update of the server takes away the files of pages that were not opened yet. */
export class PageErrors extends Component<PageErrorsProps, { readonly error: unknown }> {
  override state = { error: null as unknown };

  static getDerivedStateFromError(error: unknown) {
    return { error };
  }

  override render(): ReactNode {
    const { error } = this.state;
    if (error === null) return this.props.children;
    return (
      <Page title="This page cannot be shown">
        <Fault
          what="It could not be loaded, or has a fault of its own. Copies go on without it."
          reason={error instanceof Error ? error.message : null}
          hint="Load it again: after an update of the server there are other pages. If that does not help, `longhaul safe` says the same, and this is a bug."
        >
          <Button size="compact-sm" variant="default" onClick={() => window.location.reload()}>
            Load it again
          </Button>
        </Fault>
      </Page>
    );
  }
}
