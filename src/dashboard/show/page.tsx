import type { ReactNode } from 'react';
import { useEffect, useRef, useState } from 'react';
import { Link } from 'wouter';
import { AsOf } from './instant.js';

interface PageProps {
  readonly title: string;
  /** Beside the title, such as the state of what the page shows. */
  readonly beside?: ReactNode;
  /** Epoch milliseconds of what is shown; null: nothing yet. */
  readonly asOfMs?: number | null;
  readonly actions?: ReactNode;
  readonly children: ReactNode;
}

/** Every page: its title, how fresh it is, what can be done. The title takes the focus, so that a screen reader says where one is. */
export function Page({ title, beside, asOfMs = null, actions, children }: PageProps) {
  const heading = useRef<HTMLHeadingElement>(null);
  useEffect(() => {
    document.title = `${title} · Longhaul`;
  }, [title]);
  useEffect(() => {
    heading.current?.focus({ preventScroll: true });
    window.scrollTo(0, 0);
  }, []);
  return (
    <>
      <header className="page-head">
        <div className="page-title">
          <h1 ref={heading} tabIndex={-1}>
            {title}
          </h1>
          {beside}
        </div>
        <div className="page-side">
          <AsOf atMs={asOfMs} />
          {actions}
        </div>
      </header>
      {children}
    </>
  );
}

interface SectionProps {
  readonly title: string;
  readonly note?: ReactNode;
  readonly actions?: ReactNode;
  readonly children: ReactNode;
}

export function Section({ title, note, actions, children }: SectionProps) {
  return (
    <section className="section" aria-label={title}>
      <div className="section-head">
        <h2>{title}</h2>
        {note !== undefined && <span className="section-note">{note}</span>}
        {actions}
      </div>
      {children}
    </section>
  );
}

/** Where a list is empty: why, and what comes next. */
export function Nothing({ children }: { readonly children: ReactNode }) {
  return <p className="nothing">{children}</p>;
}

/** A look into all repositories that are there takes no longer. */
const LONG_MS = 8_000;

/** Before the first answer: it mostly comes within a moment, so it is one quiet line. Where none comes, nobody looks any more, and it says where that shows. */
export function Waiting({ what }: { readonly what: string }) {
  const [isLong, setLong] = useState(false);
  useEffect(() => {
    const timer = setTimeout(() => setLong(true), LONG_MS);
    return () => clearTimeout(timer);
  }, []);
  return (
    <p className="nothing" role="status">
      {what} …
      {isLong && (
        <>
          {' '}
          There is no answer yet. <Link href="/system">System</Link> shows whether Temporal and the
          workers answer.
        </>
      )}
    </p>
  );
}
