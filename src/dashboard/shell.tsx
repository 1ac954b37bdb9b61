import {
  IconBell,
  IconCalendarTime,
  IconDatabase,
  IconFiles,
  IconHeartRateMonitor,
  IconHistory,
  IconHome,
  IconKey,
  IconLifebuoy,
  IconMenu2,
  IconServer,
  IconSettings,
} from '@tabler/icons-react';
import { SegmentedControl, useMantineColorScheme } from '@mantine/core';
import { useEffect, useState, type ReactNode } from 'react';
import { Link, useLocation } from 'wouter';
import icon from './icon.svg';
import { WhoAmI } from './who-am-i.js';
import { silentSince } from './client/connection.js';
import { useObservable } from './client/observable.js';
import { useSiteStream } from './client/site-stream.js';
import { VIEWER_ZONE } from './show/format.js';
import { Instant } from './show/instant.js';

const PLACES = [
  { path: '/', name: 'Overview', Icon: IconHome },
  { path: '/workloads', name: 'Workloads', Icon: IconServer },
  { path: '/jobs', name: 'Jobs', Icon: IconCalendarTime },
  { path: '/file-backup-jobs', name: 'File backups', Icon: IconFiles },
  { path: '/sessions', name: 'History', Icon: IconHistory },
  { path: '/restore', name: 'Restore', Icon: IconLifebuoy },
  { path: '/repositories', name: 'Repositories', Icon: IconDatabase },
  { path: '/health', name: 'Health', Icon: IconHeartRateMonitor },
  { path: '/notifications', name: 'Notifications', Icon: IconBell },
  { path: '/access', name: 'Access', Icon: IconKey },
  { path: '/system', name: 'System', Icon: IconSettings },
] as const;

/** The frame around every page. */
export function Shell({ children }: { readonly children: ReactNode }) {
  useSiteStream();
  return (
    <div className="frame">
      <a className="skip" href="#content">
        Skip to the content
      </a>
      <Side />
      <div>
        <Silence />
        <main id="content" className="main" tabIndex={-1}>
          {children}
        </main>
      </div>
    </div>
  );
}

function Side() {
  const [address] = useLocation();
  const location = address === '/new-job' ? '/jobs/' : address;
  const [isOpen, setOpen] = useState(false);
  useEffect(() => setOpen(false), [address]);
  const isHere = (path: string): boolean =>
    path === '/' ? location === '/' : location === path || location.startsWith(`${path}/`);
  return (
    <nav className="side" aria-label="Pages" data-open={isOpen}>
      <div className="brand-line">
        <Link href="/" className="brand">
          <img src={icon} alt="" />
          Longhaul
        </Link>
        <button
          type="button"
          className="menu-button"
          aria-expanded={isOpen}
          onClick={() => setOpen(!isOpen)}
        >
          <IconMenu2 size={18} aria-hidden="true" />
          Menu
        </button>
      </div>
      {PLACES.map(({ path, name, Icon }) => (
        <Link
          key={path}
          href={path}
          className="nav"
          aria-current={isHere(path) ? 'page' : undefined}
        >
          <Icon size={19} aria-hidden="true" />
          {name}
        </Link>
      ))}
      <div className="side-foot">
        <WhoAmI />
        <a href="/docs">API pages</a>
        <span>Times are of {VIEWER_ZONE}.</span>
        <SchemeChoice />
      </div>
    </nav>
  );
}

function SchemeChoice() {
  const { colorScheme, setColorScheme } = useMantineColorScheme();
  return (
    <SegmentedControl
      size="xs"
      aria-label="Colours"
      value={colorScheme}
      onChange={(value) => setColorScheme(value)}
      data={[
        { value: 'light', label: 'Light' },
        { value: 'dark', label: 'Dark' },
        { value: 'auto', label: 'Auto' },
      ]}
    />
  );
}

/** What stands on the screen stays there while the server does not answer. */
function Silence() {
  const sinceMs = useObservable(silentSince);
  return (
    <div role="status">
      {sinceMs !== null && (
        <div className="banner">
          The server does not answer since <Instant at={sinceMs} as="date" /> (
          <Instant at={sinceMs} />
          ). What you see is as it was then; it is asked again every few seconds.
        </div>
      )}
    </div>
  );
}
