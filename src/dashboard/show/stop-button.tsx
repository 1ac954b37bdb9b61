import { TextInput } from '@mantine/core';
import { useState } from 'react';
import { useAction } from '../client/actions.js';
import { curlLine } from './commands.js';
import { Confirm } from './confirm.js';
import { shellWord } from './format.js';

interface Stop {
  readonly verb: string;
  readonly title: string;
  /** What becomes of it. */
  readonly text: string;
  readonly done: string;
  /** Below the base path. */
  readonly path: string;
  /** The same in a terminal, without its reason. */
  readonly command: string;
}

/** Stops a session or an operation. Who comes in the morning wants to know why. */
export function StopButton({ verb, title, text, done, path, command }: Stop) {
  const [written, setWritten] = useState('');
  const reason = written.trim() === '' ? null : written.trim();
  const body = { reason };
  const stop = useAction({ method: 'POST', path, body, done });
  const flags = reason === null ? '' : ` --reason ${shellWord(reason)}`;
  return (
    <Confirm
      verb={verb}
      title={title}
      commands={[`${command}${flags}`, curlLine('POST', path, body)]}
      isDangerous
      action={stop}
      onConfirm={() => stop.mutate()}
    >
      <p className="definition">{text}</p>
      <TextInput
        label="Why"
        description="Stands in what is left of it, behind your name. May be left empty."
        value={written}
        onChange={({ currentTarget }) => setWritten(currentTarget.value)}
        maxLength={500}
      />
    </Confirm>
  );
}
