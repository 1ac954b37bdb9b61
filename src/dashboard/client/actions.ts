/** Commands: who may not give one is told why, what they do is told, also when they fail, and what they may have changed is read again. */

import { notifications } from '@mantine/notifications';
import { useMutation, type UseMutationResult } from '@tanstack/react-query';
import { useState } from 'react';
import { commandApi, newIdempotencyKey, type ApiError, type Changing } from './call-api.js';
import { OrderKey } from './order-key.js';
import { queryClient } from './queries.js';
import { useRefusal } from './refusals.js';

interface Action<Content> {
  readonly method: Changing;
  /** Below the base path. */
  readonly path: string;
  /** A function: made when it is given. */
  readonly body?: object | (() => object);
  readonly headers?: Readonly<Record<string, string>>;
  /** A repeat of the call is recognised, also when the first looked as if it had failed: of routes that take `Idempotency-Key` alone. */
  readonly isKeyed?: boolean;
  /** What was done, in the past tense. */
  readonly done: string | ((content: Content) => string);
  readonly then?: (content: Content) => void;
}

/** An action, and why whoever looks at the page may not do it; null: he may. */
export type Doing<Content = unknown> = UseMutationResult<Content, ApiError, void> & {
  readonly refusal: string | null;
};

export function useAction<Content = unknown>(action: Action<Content>): Doing<Content> {
  const { method, path, then } = action;
  const refusal = useRefusal(method, path);
  const [orderKey] = useState(() => new OrderKey(newIdempotencyKey));
  const mutation = useTold<Content>({
    ...action,
    mutationFn: () => give(action, orderKey),
    then(content) {
      orderKey.taken();
      then?.(content);
    },
  });
  return { ...mutation, refusal };
}

interface EachAction {
  readonly paths: readonly string[];
  readonly done: string;
  /** Called after each. */
  readonly onEach?: (path: string) => void;
}

/** The same command for several, one after the other: when one fails it is known which were changed. */
export function useActionOnEach({ paths, done, onEach }: EachAction): Doing<void> {
  const refusal = useRefusal('POST', paths[0] ?? '');
  const mutation = useTold<void>({
    done,
    mutationFn: async () => {
      for (const path of paths) {
        await commandApi(path, { method: 'POST' });
        onEach?.(path);
      }
    },
  });
  return { ...mutation, refusal };
}

/** Tells what was done, or why not. */
function useTold<Content>({
  mutationFn,
  done,
  then,
}: Pick<Action<Content>, 'done' | 'then'> & {
  readonly mutationFn: () => Promise<Content>;
}): UseMutationResult<Content, ApiError, void> {
  return useMutation<Content, ApiError>({
    mutationFn,
    onSuccess(content) {
      const message = typeof done === 'string' ? done : done(content);
      notifications.show({ message, color: 'teal', closeButtonProps: CLOSE });
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
}

/** It has a picture alone. */
const CLOSE = { 'aria-label': 'Close' };

function give<Content>(action: Action<Content>, orderKey: OrderKey): Promise<Content> {
  const { method, path, headers, isKeyed = false } = action;
  const body = typeof action.body === 'function' ? (action.body as () => object)() : action.body;
  const order = JSON.stringify([method, path, body]);
  return commandApi(path, {
    method,
    ...(body === undefined ? {} : { body }),
    headers: {
      ...headers,
      ...(isKeyed ? { 'Idempotency-Key': orderKey.of(order, Date.now()) } : {}),
    },
  });
}
