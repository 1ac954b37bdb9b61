import { Button, Modal } from '@mantine/core';
import { useState, type ReactNode } from 'react';
import { CommandLines } from './commands.js';

export interface ConfirmProps {
  /** On the button that opens the dialog, and on the one that does it. */
  readonly verb: string;
  readonly title: string;
  /** What it will do, in full, before it is done. */
  readonly children: ReactNode;
  readonly commands: readonly string[];
  readonly isDangerous?: boolean;
  readonly isBusy?: boolean;
  /** Of the button that opens the dialog. */
  readonly look?: 'filled' | 'default' | 'light';
  readonly onConfirm: () => void;
}

/** A button whose command is explained before it is given. */
export function Confirm(props: ConfirmProps) {
  const { verb, title, children, commands, isDangerous = false, isBusy = false } = props;
  const [isOpen, setOpen] = useState(false);
  const confirm = (): void => {
    setOpen(false);
    props.onConfirm();
  };
  return (
    <>
      <Button
        size="sm"
        variant={props.look ?? 'default'}
        loading={isBusy}
        onClick={() => setOpen(true)}
      >
        {verb}
      </Button>
      <Modal
        opened={isOpen}
        onClose={() => setOpen(false)}
        title={title}
        size="lg"
        closeButtonProps={{ 'aria-label': 'Close' }}
      >
        <div className="stack">
          {children}
          <CommandLines lines={commands} />
          <div className="line">
            <Button
              onClick={confirm}
              color={isDangerous ? 'red' : undefined}
              data-autofocus={isDangerous ? undefined : true}
            >
              {verb}
            </Button>
            <Button
              variant="default"
              onClick={() => setOpen(false)}
              data-autofocus={isDangerous ? true : undefined}
            >
              Leave it
            </Button>
          </div>
        </div>
      </Modal>
    </>
  );
}
