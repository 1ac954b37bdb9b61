import {
  Button,
  Code,
  Modal,
  MultiSelect,
  NativeSelect,
  NumberInput,
  TextInput,
} from '@mantine/core';
import { useState } from 'react';
import type { CreatedToken, TokenView } from '../../../api/access/access-routes.js';
import type { ListedJob } from '../../../api/jobs/job-schemas.js';
import type { RepositoryView } from '../../../api/repositories/repository-schemas.js';
import type { Caller, Role } from '../../../domain/access/access.js';
import { useAction } from '../../client/actions.js';
import { useMe, useRefusal } from '../../client/refusals.js';
import { EVERY, useApi, type ApiPage } from '../../client/queries.js';
import { ActionButton } from '../../show/action-button.js';
import { CommandLines, Commands, curlLine } from '../../show/commands.js';
import { Confirm } from '../../show/confirm.js';
import { CallFault } from '../../show/fault.js';
import { printable } from '../../../domain/printable.js';
import { Instant } from '../../show/instant.js';
import { Nothing, Page, Section, Waiting } from '../../show/page.js';
import { Rows, type Column } from '../../show/rows.js';
import { shellWord } from '../../show/format.js';
import { AuditSection } from './audit-section.js';
import { State } from '../../show/state.js';
import { DAY_MS } from '../../../domain/elapsed.js';

const USUAL_DAYS = 365;

const ROLE_WORDS: Readonly<Record<Role, string>> = {
  viewer: 'sees everything, changes nothing',
  operator: 'sees, starts, pauses, stops and verifies',
  restorer: 'sees, and restores',
  administrator: 'may do everything',
};
const ROLES: readonly Role[] = ['viewer', 'operator', 'restorer', 'administrator'];

/** Who may do this? */
export function AccessPage() {
  const me = useMe();
  const tokensRefusal = useRefusal('GET', '/tokens');
  const auditRefusal = useRefusal('GET', '/audit');
  return (
    <Page title="Access" asOfMs={me.dataUpdatedAt}>
      {me.error !== null && <CallFault error={me.error} what="Who you are could not be read." />}
      {me.data === undefined && me.error === null && <Waiting what="Asking who you are" />}
      {me.data !== undefined && <Me me={me.data} />}
      {(tokensRefusal ?? auditRefusal) !== null && (
        <Nothing>
          An administrator of everything sees and makes the tokens here, and sees who changed what.
        </Nothing>
      )}
      {me.data !== undefined && tokensRefusal === null && <Tokens />}
      {me.data !== undefined && auditRefusal === null && <AuditSection />}
      <Commands
        lines={[
          'longhaul token list',
          'longhaul audit',
          curlLine('GET', '/me'),
          curlLine('GET', '/audit'),
        ]}
      />
    </Page>
  );
}

function Me({ me: { name, role, scope, expiresAt } }: { readonly me: Caller }) {
  return (
    <Section title="You">
      <dl className="facts">
        <dt>Known as</dt>
        <dd>{printable(name)}</dd>
        <dt>Role</dt>
        <dd>
          {role}: {ROLE_WORDS[role]}
        </dd>
        <dt>For</dt>
        <dd>{scope === null ? 'everything' : [...scope.jobs, ...scope.repositories].join(', ')}</dd>
        <dt>Ends</dt>
        <dd>{expiresAt === null ? 'never' : <Instant at={expiresAt} />}</dd>
      </dl>
    </Section>
  );
}

function Tokens() {
  const tokens = useApi<ApiPage<TokenView>>('/tokens', { everyMs: EVERY.minute });
  const items = tokens.data?.items ?? [];
  return (
    <Section
      title="Tokens"
      note="Kept as digests. The token of the configuration file always holds and is not among them."
      actions={<MakeToken />}
    >
      {tokens.error !== null && (
        <CallFault error={tokens.error} what="The tokens could not be read." />
      )}
      {tokens.data !== undefined && items.length === 0 && <Nothing>There is none.</Nothing>}
      {items.length > 0 && (
        <Rows label="Tokens" columns={COLUMNS} rows={items} keyOf={({ id }) => id} />
      )}
    </Section>
  );
}

const COLUMNS: readonly Column<TokenView>[] = [
  { head: 'Name', width: '1.2fr', cell: ({ name }) => printable(name) },
  { head: 'Role', width: '1fr', cell: ({ role }) => role },
  {
    head: 'For',
    width: '1.2fr',
    cell: ({ scope }) =>
      scope === null ? 'everything' : [...scope.jobs, ...scope.repositories].join(', '),
  },
  {
    head: 'Ends',
    width: '1fr',
    cell: ({ expiresAt, isExpired }) =>
      isExpired ? (
        <State said={{ mood: 'attention', word: 'over' }} />
      ) : expiresAt === null ? (
        'never'
      ) : (
        <Instant at={expiresAt} />
      ),
  },
  {
    head: 'Last used',
    width: '1fr',
    cell: ({ lastUsedAt }) => (lastUsedAt === null ? 'never' : <Instant at={lastUsedAt} />),
  },
  { head: 'Change', width: '0.8fr', cell: (token) => <Revoke token={token} /> },
];

function Revoke({ token: { id, name } }: { readonly token: TokenView }) {
  const path = `/tokens/${id}`;
  const revoke = useAction({
    method: 'DELETE',
    path,
    done: `The token of ${printable(name)} holds no longer.`,
  });
  return (
    <Confirm
      verb="Revoke"
      title={`Revoke the token of ${printable(name)}`}
      commands={[`longhaul token revoke ${id}`, curlLine('DELETE', path)]}
      isDangerous
      action={revoke}
      onConfirm={() => revoke.mutate()}
    >
      <p className="definition">Whoever uses it is refused from now on. It cannot be taken back.</p>
    </Confirm>
  );
}

function MakeToken() {
  const [isOpen, setOpen] = useState(false);
  const [token, setToken] = useState<string | null>(null);
  const close = (): void => {
    setOpen(false);
    setToken(null);
  };
  return (
    <>
      <Button size="sm" variant="default" onClick={() => setOpen(true)}>
        Make a token
      </Button>
      <Modal
        opened={isOpen}
        onClose={close}
        title="Make a token"
        size="lg"
        closeButtonProps={{ 'aria-label': 'Close' }}
      >
        {token === null ? (
          <TokenForm onMade={({ token: made }) => setToken(made)} />
        ) : (
          <div className="stack">
            <p className="definition">
              Here it is, once: it is kept as a digest, and nobody can show it again.
            </p>
            <Code block>{token}</Code>
            <Button w="fit-content" onClick={close}>
              I have it
            </Button>
          </div>
        )}
      </Modal>
    </>
  );
}

function TokenForm({ onMade }: { readonly onMade: (made: CreatedToken) => void }) {
  const [name, setName] = useState('');
  const [role, setRole] = useState<Role>('viewer');
  const [jobs, setJobs] = useState<string[]>([]);
  const [repositories, setRepositories] = useState<string[]>([]);
  const [days, setDays] = useState(USUAL_DAYS);
  const scope = jobs.length + repositories.length === 0 ? null : { jobs, repositories };
  const make = useAction<CreatedToken>({
    method: 'POST',
    path: '/tokens',
    body: () => {
      const expiresAt = days === 0 ? null : new Date(Date.now() + days * DAY_MS).toISOString();
      return { name: name.trim(), role, scope, expiresAt };
    },
    done: 'The token has been made.',
    then: onMade,
  });
  const flags = [
    ...(jobs.length === 0 ? [] : [`--job ${jobs.join(' ')}`]),
    ...(repositories.length === 0 ? [] : [`--repository ${repositories.join(' ')}`]),
    ...(days === 0 ? [] : [`--expires ${days}`]),
  ];
  return (
    <div className="stack">
      <TextInput
        label="Name"
        description="For whom or what it is; it stands beside everything that is done with it."
        value={name}
        onChange={({ currentTarget }) => setName(currentTarget.value)}
        maxLength={100}
        required
      />
      <NativeSelect
        label="Role"
        value={role}
        onChange={({ currentTarget }) => setRole(currentTarget.value as Role)}
        data={ROLES.map((each) => ({ value: each, label: `${each}: ${ROLE_WORDS[each]}` }))}
      />
      <ScopeFields
        jobs={jobs}
        repositories={repositories}
        onJobs={setJobs}
        onRepositories={setRepositories}
      />
      <NumberInput
        label="It holds for so many days"
        description="0: for ever."
        min={0}
        max={99_999}
        value={days}
        onChange={(value) => setDays(Number(value) || 0)}
      />
      <CommandLines
        lines={[
          [
            'longhaul token create',
            shellWord(name.trim() || '<name>'),
            `--role ${role}`,
            ...flags,
          ].join(' '),
        ]}
      />
      <ActionButton action={make} isDisabled={name.trim() === ''} onClick={() => make.mutate()}>
        Make it
      </ActionButton>
    </div>
  );
}

interface ScopeFieldsProps {
  readonly jobs: readonly string[];
  readonly repositories: readonly string[];
  readonly onJobs: (ids: string[]) => void;
  readonly onRepositories: (ids: string[]) => void;
}

function ScopeFields({ jobs, repositories, onJobs, onRepositories }: ScopeFieldsProps) {
  const allJobs = useApi<ApiPage<ListedJob>>('/jobs', { everyMs: null });
  const allRepositories = useApi<ApiPage<RepositoryView>>('/repositories', { everyMs: null });
  return (
    <>
      <MultiSelect
        label="Only for these jobs"
        description="None and no repository: for everything. A bound token sees no page but theirs."
        value={[...jobs]}
        onChange={onJobs}
        data={(allJobs.data?.items ?? []).map(({ id }) => id)}
      />
      <MultiSelect
        label="Only for these repositories"
        value={[...repositories]}
        onChange={onRepositories}
        data={(allRepositories.data?.items ?? []).map(({ id }) => id)}
      />
    </>
  );
}
