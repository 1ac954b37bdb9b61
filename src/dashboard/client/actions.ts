/** Commands: who may not give one is told why, what they do is told, also when they fail, and what they may have changed is read again. */

import { notifications } from '@mantine/notifications';
import { useMutation, type UseMutationResult } from '@tanstack/react-query';
import { commandApi, newIdempotencyKey, type ApiError, type Changing } from './call-api.js';
import { queryClient } from './queries.js';
import { useRefusal } from './refusals.js';

export interface Action<Content> {
  readonly method: Changing;
  /** Below the base path. */
  readonly path: string;
  /** A function: made when it is given. */
  readonly body?: object | (() => object);
  readonly headers?: Readonly<Record<string, string>>;
  /** A repeat of the call is recognised. */
  readonly isKeyed?: boolean;
  /** What was done, in the past tense. */
  readonly done: string;
  readonly then?: (content: Content) => void;
}

/** An action, and why whoever looks at the page may not do it; null: he may. */
export type Doing<Content = unknown> = UseMutationResult<Content, ApiError, void> & {
  readonly refusal: string | null;
};

export function useAction<Content = unknown>(action: Action<Content>): Doing<Content> {
  const { method, path, done, then } = action;
  const refusal = useRefusal(method, path);
  const mutation = useMutation<Content, ApiError>({
    mutationFn: () => give(action),
    onSuccess(content) {
      notifications.show({ message: done, color: 'teal', closeButtonProps: CLOSE });
      then?.(content);
    },
    onError(error) {
      notifications.show({
        title: error.code,
        message: [error.message, error.hint].filter(Boolean).join(' Next: '),
        color: 'red',
        autoClose: false,
        closeButtonProps: CLOSE,
      });
    },
    onSettled: () => queryClient.invalidateQueries(),
  });
  return { ...mutation, refusal };
}

/** It has a picture alone. */
const CLOSE = { 'aria-label': 'Close' };

function give<Content>(action: Action<Content>): Promise<Content> {
  const { method, path, body, headers, isKeyed = false } = action;
  return commandApi(path, {
    method,
    ...(body === undefined
      ? {}
      : { body: typeof body === 'function' ? (body as () => object)() : body }),
    headers: { ...headers, ...(isKeyed ? { 'Idempotency-Key': newIdempotencyKey() } : {}) },
  });
}
