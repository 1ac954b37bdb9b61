import { TextInput } from '@mantine/core';
import { useState } from 'react';
import type { SessionView } from '../../api/sessions/session-schemas.js';
import { useAction } from '../client/actions.js';
import { curlLine } from '../show/commands.js';
import { Confirm } from '../show/confirm.js';
import { shellWord } from '../show/format.js';

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

/** Who comes in the morning wants to know why. */
function Stop({ id }: { readonly id: string }) {
  const [text, setText] = useState('');
  const reason = text.trim() === '' ? null : text.trim();
  const { verb, title, text: meaning, done } = STEPS.stop;
  const path = `/sessions/${encodeURIComponent(id)}/stop`;
  const body = { reason };
  const stop = useAction({
    method: 'POST',
    path,
    body,
    done,
  });
  const flags = reason === null ? '' : ` --reason ${shellWord(reason)}`;
  return (
    <Confirm
      verb={verb}
      title={title}
      commands={[`longhaul session stop ${id}${flags}`, curlLine('POST', path, body)]}
      isDangerous
      action={stop}
      onConfirm={() => stop.mutate()}
    >
      <p className="definition">{meaning}</p>
      <TextInput
        label="Why"
        description="Stands in the record of the session, behind your name. May be left empty."
        value={text}
        onChange={({ currentTarget }) => setText(currentTarget.value)}
        maxLength={500}
      />
    </Confirm>
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
