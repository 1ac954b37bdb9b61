import type { SessionView } from '../../../api/sessions/session-schemas.js';
import { useAction } from '../../client/actions.js';
import { curlLine } from '../../show/commands.js';
import { Confirm } from '../../show/confirm.js';
import { StopButton } from '../../show/stop-button.js';

const STEPS = {
  pause: {
    verb: 'Pause',
    title: 'Pause the session',
    text: 'It halts at its next durable position, after at most 64 MiB of each disk, and keeps what it has. Its chains stay locked to it, and it goes on from there when it is resumed.',
    done: 'The session halts at its next durable position.',
  },
  resume: {
    verb: 'Resume',
    title: 'Let the session go on',
    text: 'It goes on from where it was paused.',
    done: 'The session goes on.',
  },
  stop: {
    verb: 'Stop',
    title: 'Stop the session',
    text: 'It ends at its next durable position. Restore points that are finished stay, and nothing is deleted; what is half copied is taken up by the next session of the job.',
    done: 'The session is stopping.',
  },
} as const;

export function SessionActions({ session: { id, state } }: { readonly session: SessionView }) {
  return (
    <div className="line">
      {(state === 'running' || state === 'waiting') && <Steer id={id} step="pause" />}
      {state === 'paused' && <Steer id={id} step="resume" />}
      {state !== 'stopping' && <Stop id={id} />}
    </div>
  );
}

function Stop({ id }: { readonly id: string }) {
  const { verb, title, text, done } = STEPS.stop;
  return (
    <StopButton
      {...{ verb, title, text, done }}
      path={`/sessions/${encodeURIComponent(id)}/stop`}
      command={`longhaul session stop ${id}`}
    />
  );
}

function Steer({ id, step }: { readonly id: string; readonly step: 'pause' | 'resume' }) {
  const { verb, title, text, done } = STEPS[step];
  const path = `/sessions/${encodeURIComponent(id)}/${step}`;
  const steer = useAction({
    method: 'POST',
    path,
    done,
  });
  return (
    <Confirm
      verb={verb}
      title={title}
      commands={[`longhaul session ${step} ${id}`, curlLine('POST', path)]}
      action={steer}
      onConfirm={() => steer.mutate()}
    >
      <p className="definition">{text}</p>
    </Confirm>
  );
}
