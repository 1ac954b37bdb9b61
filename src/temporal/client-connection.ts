import {
  Connection,
  defaultGrpcRetryOptions,
  makeGrpcRetryInterceptor,
  type ConnectionOptions,
} from '@temporalio/client';

type Interceptor = NonNullable<ConnectionOptions['interceptors']>[number];
type Call = ReturnType<Interceptor>;

/** gRPC, CANCELLED. */
const CANCELLED = 1;

/** A call that fails when it is begun, as one that was cancelled. */
function cancelledCall(details: string): Call {
  const nothing = (): void => undefined;
  const call: Partial<Call> = {
    start: (metadata, listener) =>
      listener?.onReceiveStatus?.({ code: CANCELLED, details, metadata }),
    ...{ sendMessage: nothing, halfClose: nothing, startRead: nothing },
    ...{ cancelWithStatus: nothing, getPeer: () => '' },
  };
  return call as Call;
}

/** The retries of the SDK come from timers. One whose connection was closed meanwhile throws there, where nobody catches it, and the process ends: a server
 *  that is stopped while Temporal is away. */
const endsWithItsConnection: Interceptor = (options, nextCall) => {
  try {
    return nextCall(options) as Call;
  } catch (error) {
    return cancelledCall(error instanceof Error ? error.message : String(error));
  }
};

/** The retries of the SDK, as by default, which end with the connection. */
export function connectionInterceptors(): Interceptor[] {
  return [makeGrpcRetryInterceptor(defaultGrpcRetryOptions()), endsWithItsConnection];
}

/** A connection that can be closed at any time. @throws as `Connection.connect` */
export function connectClient(options: ConnectionOptions): Promise<Connection> {
  return Connection.connect({ ...options, interceptors: connectionInterceptors() });
}
