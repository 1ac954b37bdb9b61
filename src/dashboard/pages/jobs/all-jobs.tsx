/** All jobs in one step, for maintenance: those that were disabled before stay so afterwards. */

import { useLocalStorage } from '@mantine/hooks';
import type { ListedJob } from '../../../api/jobs/job-schemas.js';
import { useActionOnEach } from '../../client/actions.js';
import { Confirm } from '../../show/confirm.js';
import { counted } from '../../show/format.js';

/** Ids of what this browser has disabled together. */
const KEY = 'longhaul-disabled-together';

export function AllJobs({ jobs }: { readonly jobs: readonly ListedJob[] }) {
  const [together, setTogether] = useLocalStorage<readonly string[]>({
    ...{ key: KEY, defaultValue: [] },
    getInitialValueInEffect: false,
  });
  const known = new Set(jobs.filter(isDisabled).map(({ id }) => id));
  const enabled = jobs.map(({ id }) => id).filter((id) => !known.has(id));
  const again = together.filter((id) => known.has(id));
  return (
    <>
      {again.length > 0 && (
        <EnableAgain ids={again} onEach={(id) => setTogether((ids) => without(ids, id))} />
      )}
      {enabled.length > 1 && (
        <DisableAll
          ids={enabled}
          // Before any is asked: one that gave no answer may be disabled all the same.
          onAsk={() => setTogether((ids) => [...new Set([...ids, ...enabled])])}
        />
      )}
    </>
  );
}

interface DisableAllProps {
  readonly ids: readonly string[];
  readonly onAsk: () => void;
}

function DisableAll({ ids, onAsk }: DisableAllProps) {
  const disable = useActionOnEach({
    paths: ids.map((id) => `/jobs/${id}/disable`),
    done: `${counted(ids.length, 'job')} no longer start by themselves.`,
  });
  return (
    <Confirm
      verb="Disable all"
      title="Keep all jobs from starting by themselves"
      commands={['longhaul job disable --all', `longhaul job enable ${ids.join(' ')}`]}
      action={disable}
      onConfirm={() => {
        onAsk();
        disable.mutate();
      }}
    >
      <p className="definition">
        For maintenance. Nothing new is copied from then on, so copies grow old. Sessions that run
        go on. Jobs that are disabled already stay so when this page, in this browser, enables the
        others again.
      </p>
    </Confirm>
  );
}

interface EnableAgainProps {
  readonly ids: readonly string[];
  readonly onEach: (id: string) => void;
}

function EnableAgain({ ids, onEach }: EnableAgainProps) {
  const paths = new Map(ids.map((id) => [`/jobs/${id}/enable`, id]));
  const enable = useActionOnEach({
    paths: [...paths.keys()],
    done: `${counted(ids.length, 'job')} start by themselves again.`,
    onEach: (path) => onEach(paths.get(path)!),
  });
  return (
    <Confirm
      verb={`Enable ${ids.length} again`}
      confirmVerb="Enable"
      title="Let what was disabled together start by itself again"
      look="filled"
      commands={[`longhaul job enable ${ids.join(' ')}`]}
      action={enable}
      onConfirm={() => enable.mutate()}
    >
      <p className="definition">{ids.join(', ')}</p>
    </Confirm>
  );
}

function isDisabled(job: ListedJob): boolean {
  return job.state === 'unknown' ? job.paused : job.state === 'disabled';
}

function without(ids: readonly string[], id: string): readonly string[] {
  return ids.filter((each) => each !== id);
}
