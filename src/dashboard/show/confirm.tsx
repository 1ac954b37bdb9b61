import { Button, Modal } from '@mantine/core';
import { IconLock } from '@tabler/icons-react';
import { useState, type ReactNode } from 'react';
import type { Doing } from '../client/actions.js';
import { CommandLines } from './commands.js';
import { Refused } from './refused.js';

interface ConfirmProps {
  /** On the button that opens the dialog, and on the one that does it. */
  readonly verb: string;
  /** On the one that does it, where that says it better. */
  readonly confirmVerb?: string;
  readonly title: string;
  /** What it will do, in full, before it is done. */
  readonly children: ReactNode;
  readonly commands: readonly string[];
  readonly isDangerous?: boolean;
  /** What is confirmed. Who may not do it is told so here, and what it would do. */
  readonly action: Pick<Doing, 'isPending' | 'refusal'>;
  /** Of the button that opens the dialog. */
  readonly look?: 'filled' | 'default' | 'light';
  readonly onConfirm: () => void;
}

/** A button whose command is explained before it is given. */
export function Confirm(props: ConfirmProps) {
  const { verb, title, children, commands, isDangerous = false, action } = props;
  const [isOpen, setOpen] = useState(false);
  const isRefused = action.refusal !== null;
  const leave = (): void => setOpen(false);
  return (
    <>
      <Button
        size="sm"
        variant={isRefused ? 'default' : (props.look ?? 'default')}
        leftSection={isRefused ? <IconLock size={14} aria-hidden="true" /> : undefined}
        loading={action.isPending}
        onClick={() => setOpen(true)}
      >
        {verb}
      </Button>
      <Modal
        opened={isOpen}
        onClose={leave}
        title={title}
        size="lg"
        closeButtonProps={{ 'aria-label': 'Close' }}
      >
        <div className="stack">
          <Refused reason={action.refusal} />
          {children}
          <CommandLines lines={commands} />
          <div className="line">
            {!isRefused && (
              <Button
                onClick={() => {
                  leave();
                  props.onConfirm();
                }}
                color={isDangerous ? 'red' : undefined}
                data-autofocus={isDangerous ? undefined : true}
              >
                {props.confirmVerb ?? verb}
              </Button>
            )}
            <Button
              variant="default"
              onClick={leave}
              data-autofocus={isDangerous || isRefused ? true : undefined}
            >
              Leave it
            </Button>
          </div>
        </div>
      </Modal>
    </>
  );
}
