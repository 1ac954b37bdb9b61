import { useState } from 'react';
import { Button } from '@mantine/core';
import { Link } from 'wouter';
import type { ProblemView } from '../../../api/safety/overview-schemas.js';
import { Fault } from '../../show/fault.js';
import { printable } from '../../../domain/printable.js';
import { counted } from '../../show/format.js';
import { Section } from '../../show/page.js';
import { sentence } from '../../show/sentence.js';
import type { Mood } from '../../show/words.js';
import { workloadAddress } from '../../show/workload-words.js';

const MOODS: Readonly<Record<ProblemView['severity'], Mood>> = {
  error: 'bad',
  unknown: 'unknown',
  warning: 'attention',
};
/** The rest is one press away: a screen of red tells less than its first lines. */
const FIRST = 8;

/** What is wrong, grouped by its cause, each with what to do next. */
export function Problems({
  problems,
  omitted,
}: {
  readonly problems: readonly ProblemView[];
  readonly omitted: number;
}) {
  const [isWhole, setWhole] = useState(false);
  if (problems.length === 0) return null;
  const shown = isWhole ? problems : problems.slice(0, FIRST);
  return (
    <Section title="What needs somebody" note={counted(problems.length + omitted, 'cause')}>
      {shown.map((problem, index) => (
        <Problem key={`${problem.code} ${index}`} problem={problem} />
      ))}
      {problems.length > FIRST && (
        <Button variant="default" size="sm" onClick={() => setWhole(!isWhole)}>
          {isWhole ? 'Show the first' : `Show all ${problems.length}`}
        </Button>
      )}
      {omitted > 0 && <p className="small">{counted(omitted, 'more cause')} are left out.</p>}
    </Section>
  );
}

function Problem({ problem }: { readonly problem: ProblemView }) {
  const { severity, text, since, nextStep, errorCode, code } = problem;
  return (
    <Fault
      mood={MOODS[severity]}
      what={sentence(printable(text))}
      since={since}
      code={errorCode}
      hint={nextStep}
    >
      <NextSteps problem={problem} />
      <Suffering problem={problem} />
      <span className="chip">{code}</span>
    </Fault>
  );
}

/** Where the next step is done. */
function NextSteps({
  problem: { jobId, repositoryId, sessionId, code },
}: {
  readonly problem: ProblemView;
}) {
  return (
    <>
      {jobId !== null && (
        <Link href={`/jobs/${jobId}`}>
          {code === 'COPY_LATE' ? `Start ${jobId}` : `Job ${jobId}`}
        </Link>
      )}
      {sessionId !== null && <Link href={`/sessions/${sessionId}`}>Its session</Link>}
      {repositoryId !== null && <Link href="/repositories">Repository {repositoryId}</Link>}
      {code === 'WORKLOAD_IN_NO_JOB' && <Link href="/new-job">New job</Link>}
      {code === 'LIMIT_MISSING' && jobId !== null && (
        <Link href={`/jobs/${jobId}/edit`}>Say how old they may become</Link>
      )}
      <Link href={`/notifications?${silenceOf(code, jobId)}`}>Silence it</Link>
    </>
  );
}

/** Where the form for it already has its job and its code. */
function silenceOf(code: string, jobId: string | null): string {
  return new URLSearchParams({ code, ...(jobId === null ? {} : { job: jobId }) }).toString();
}

const NAMED = 5;

function Suffering({ problem: { workloads, workloadCount } }: { readonly problem: ProblemView }) {
  if (workloadCount === 0) return null;
  const more = workloadCount - Math.min(NAMED, workloads.length);
  return (
    <span className="small">
      {workloads.slice(0, NAMED).map((workload, index) => (
        <span key={workload.key}>
          {index > 0 && ', '}
          <Link href={workloadAddress(workload)}>{printable(workload.name)}</Link>
        </span>
      ))}
      {more > 0 && ` and ${more} more`}
    </span>
  );
}
