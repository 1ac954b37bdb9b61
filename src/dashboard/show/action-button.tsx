import { Button, type ButtonProps } from '@mantine/core';
import type { Doing } from '../client/actions.js';
import { Refused } from './refused.js';

interface ActionButtonProps extends Pick<ButtonProps, 'size' | 'variant' | 'color'> {
  readonly action: Pick<Doing, 'isPending' | 'refusal'>;
  readonly isDisabled?: boolean;
  readonly children: string;
  readonly onClick: () => void;
}

/** A button that gives its command at once. Who may not reads why beside it. */
export function ActionButton(props: ActionButtonProps) {
  const { action, isDisabled = false, children, onClick, ...look } = props;
  return (
    <>
      <Button
        {...look}
        w="fit-content"
        disabled={isDisabled || action.refusal !== null}
        loading={action.isPending}
        onClick={onClick}
      >
        {children}
      </Button>
      <Refused reason={action.refusal} />
    </>
  );
}
