import { Checkbox, Radio, TextInput } from '@mantine/core';
import { useState } from 'react';
import { useLocation } from 'wouter';
import type {
  RepositoryView,
  RestoreRequest,
} from '../../../api/repositories/repository-schemas.js';
import type { RestorePointView } from '../../../domain/targets/repository-view.js';
import { HOUR_MS } from '../../../domain/elapsed.js';
import type { WorkloadTypeView } from '../../../domain/sources/workload-rules.js';
import type { RestoreFormat } from '../../../domain/targets/restore-format.js';
import { useAction } from '../../client/actions.js';
import { useApi, withQuery } from '../../client/queries.js';
import { ActionButton } from '../../show/action-button.js';
import { CommandLines, curlLine } from '../../show/commands.js';
import { CallFault, Fault } from '../../show/fault.js';
import { printable } from '../../../domain/printable.js';
import { bytes, dateTime, VIEWER_ZONE } from '../../show/format.js';
import { Section } from '../../show/page.js';
import { sayPoint, sizeBytesOf } from './points.js';
import { restoreCommand, stockToolLines } from './stock-tool.js';
import { isTree, treeToolLines } from './tree-tools.js';

interface RestoreFormProps {
  readonly repository: RepositoryView;
  readonly point: RestorePointView;
}

interface Wishes {
  readonly path: string;
  readonly format: RestoreFormat;
  readonly disks: readonly string[];
  readonly intoExisting: boolean;
  /** In the tree that the backup tool looks for; then all of it, and as whole files. */
  readonly layout: boolean;
}

export function RestoreForm({ repository, point }: RestoreFormProps) {
  const allDisks = point.files.map(({ disk }) => disk);
  const [wishes, setWishes] = useState<Wishes>({
    path: '',
    format: 'same',
    disks: allDisks,
    intoExisting: false,
    layout: false,
  });
  const types = useApi<{ items: WorkloadTypeView[] }>('/workload-types', {
    everyMs: null,
    freshMs: HOUR_MS,
  });
  const files = point.files.filter(({ disk }) => wishes.layout || wishes.disks.includes(disk));
  return (
    <>
      <Section title={isTree(point) ? '3. Where to?' : '3. Which disks, and where to?'}>
        <WishFields point={point} wishes={wishes} onChange={setWishes} />
      </Section>
      <div className="columns">
        <Section
          title="4. With Longhaul"
          note={`checks every ${isTree(point) ? 'file' : 'block'} on the way, and goes on when it is interrupted`}
        >
          <RestoreStep
            repository={repository}
            point={point}
            wishes={wishes}
            isWhole={files.length === allDisks.length}
          />
        </Section>
        <Section title="Or without it" note="on the machine that holds the repository">
          <CommandLines lines={stepsByHand(repository, point, files, types)} />
        </Section>
      </div>
    </>
  );
}

function stepsByHand(
  { folder }: RepositoryView,
  point: RestorePointView,
  files: RestorePointView['files'],
  types: { readonly data?: { items: WorkloadTypeView[] } | undefined; readonly error?: unknown },
): string[] {
  if (folder === null) return ['# fetch the files from the storage first'];
  if (isTree(point)) {
    if (types.data === undefined)
      return [
        `# what its tool is given ${types.error ? 'could not be asked for' : 'is not known yet'}`,
      ];
    const type = types.data.items.find(({ id }) => id === point.workloadType);
    return treeToolLines(folder, point, type?.linesInPlace ?? []);
  }
  return files.length === 0 ? ['# choose a disk'] : stockToolLines(folder, point, files);
}

interface WishFieldsProps {
  readonly point: RestorePointView;
  readonly wishes: Wishes;
  readonly onChange: (wishes: Wishes) => void;
}

function WishFields({ point, wishes, onChange }: WishFieldsProps) {
  return (
    <div className="stack">
      {!isTree(point) && <DiskFields point={point} wishes={wishes} onChange={onChange} />}
      <TextInput
        label="Folder"
        description="Absolute path on the machine of the worker; a new folder, or an empty one."
        placeholder="/srv/restored/web01"
        value={wishes.path}
        onChange={({ currentTarget }) => onChange({ ...wishes, path: currentTarget.value })}
        required
      />
      <Checkbox
        label="The folder may hold other files; none of them is overwritten"
        checked={wishes.intoExisting}
        onChange={({ currentTarget }) =>
          onChange({ ...wishes, intoExisting: currentTarget.checked })
        }
      />
    </div>
  );
}

// eslint-disable-next-line no-restricted-syntax -- the word of the API for disks that are converted
const CONVERTED: RestoreFormat = 'qcow2';

function formatOf(chosen: string): RestoreFormat {
  if (chosen === CONVERTED) return CONVERTED;
  return chosen === 'raw' ? chosen : 'same';
}

function DiskFields({ point, wishes, onChange }: WishFieldsProps) {
  return (
    <>
      <Checkbox.Group
        label="Disks"
        value={wishes.layout ? point.files.map(({ disk }) => disk) : [...wishes.disks]}
        onChange={(disks) => onChange({ ...wishes, disks })}
      >
        <div className="stack">
          {point.files.map(({ disk, sizeBytes, format }) => (
            <Checkbox
              key={disk}
              value={disk}
              disabled={wishes.layout}
              label={`${printable(disk)} (${format}, its own file has ${bytes(sizeBytes)})`}
            />
          ))}
        </div>
      </Checkbox.Group>
      <Radio.Group
        label="Written as"
        value={wishes.layout ? TREE : wishes.format}
        onChange={(chosen) => {
          const layout = chosen === TREE;
          onChange({ ...wishes, layout, format: formatOf(chosen) });
        }}
      >
        <div className="stack">
          <Radio value="same" label="whole files of the format of the copy" />
          <Radio value="raw" label="raw: the disks as they are" />
          <Radio value={CONVERTED} label={`${CONVERTED}: each disk as one file of that format`} />
          <Radio
            value={TREE}
            label="the tree that the backup tool looks for: all files, with its names, times and permissions"
          />
        </div>
      </Radio.Group>
    </>
  );
}

/** Of the choice that is neither of the formats. */
const TREE = 'tree';

interface RestoreStepProps extends RestoreFormProps {
  readonly wishes: Wishes;
  /** Whether all disks are wanted. */
  readonly isWhole: boolean;
}

function whatOf(point: RestorePointView, diskCount: number): string {
  if (isTree(point)) return 'the files';
  return diskCount === 1 ? 'one disk' : `${diskCount} disks`;
}

function RestoreStep({ repository, point, wishes, isWhole }: RestoreStepProps) {
  const [, navigate] = useLocation();
  const { path, format, intoExisting, layout } = wishes;
  const disks = layout ? point.files.map(({ disk }) => disk) : wishes.disks;
  const place = `/repositories/${repository.id}/restore-points/${encodeURIComponent(point.id)}/restore`;
  const body: RestoreRequest = {
    destination: { path: path.trim() },
    format,
    intoExisting,
    layout,
    ...(isWhole ? {} : { disks: [...disks] }),
  };
  const restore = useAction<{ operationId: string }>({
    method: 'POST',
    path: place,
    body,
    done: 'The restore has been started.',
    then: ({ operationId }) => navigate(withQuery('/operations', { id: operationId })),
  });
  const { mood, word } = sayPoint(point);
  const isReady = path.trim() !== '' && disks.length > 0;
  return (
    <div className="stack">
      <p className="definition">
        Writes {whatOf(point, disks.length)} of <strong>{printable(point.workload)}</strong> as of{' '}
        <strong>
          {dateTime(Date.parse(point.createdAt), VIEWER_ZONE)} {VIEWER_ZONE}
        </strong>{' '}
        from {repository.id} into{' '}
        {path.trim() === '' ? 'the folder above' : <code>{path.trim()}</code>}. Its own files have{' '}
        {bytes(sizeBytesOf(point))}
        {point.kind === 'increment' ? '; it builds on older ones, so more is read' : ''}. Nothing
        there is overwritten, and nothing in the repository is changed.
      </p>
      {mood === 'bad' && (
        <Fault
          what={`This restore point is ${word}.`}
          reason={point.reason}
          hint="Take another moment, or restore what can be read with the lines beside this."
        />
      )}
      {restore.error !== null && (
        <CallFault error={restore.error} what="The restore was not started." />
      )}
      <ActionButton action={restore} isDisabled={!isReady} onClick={() => restore.mutate()}>
        Restore
      </ActionButton>
      <CommandLines
        lines={[
          restoreCommand({
            repositoryId: repository.id,
            point: point.id,
            path: path.trim(),
            format,
            disks: isWhole ? null : disks,
            intoExisting,
            layout,
          }),
          curlLine('POST', place, body),
        ]}
      />
    </div>
  );
}
