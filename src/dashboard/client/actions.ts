/** Commands: what they do is told, also when they fail, and what they may have changed is read again. */

import { notifications } from '@mantine/notifications';
import { useMutation, type UseMutationResult } from '@tanstack/react-query';
import type { ApiError } from './call-api.js';
import { queryClient } from './queries.js';

export interface Action<Input, Content> {
  readonly run: (input: Input) => Promise<Content>;
  /** What was done, in the past tense. */
  readonly done: string;
  readonly then?: (content: Content) => void;
}

export function useAction<Input = void, Content = unknown>({
  run,
  done,
  then,
}: Action<Input, Content>): UseMutationResult<Content, ApiError, Input> {
  return useMutation<Content, ApiError, Input>({
    mutationFn: run,
    onSuccess(content) {
      notifications.show({ message: done, color: 'teal' });
      then?.(content);
    },
    onError(error) {
      notifications.show({
        title: error.code,
        message: [error.message, error.hint].filter(Boolean).join(' Next: '),
        color: 'red',
        autoClose: false,
      });
    },
    onSettled: () => queryClient.invalidateQueries(),
  });
}
