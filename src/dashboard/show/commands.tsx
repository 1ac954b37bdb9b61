import { IconCheck, IconCopy } from '@tabler/icons-react';
import { useState } from 'react';
import { currentToken } from '../client/token.js';

/** Lines of a terminal that do the same, to be copied. */
export function Commands({
  lines,
  title = 'On the command line',
}: {
  readonly lines: readonly string[];
  readonly title?: string;
}) {
  return (
    <details className="commands">
      <summary>{title}</summary>
      <CommandLines lines={lines} />
    </details>
  );
}

export function CommandLines({ lines }: { readonly lines: readonly string[] }) {
  return (
    <div className="command-lines">
      <pre tabIndex={0} aria-label="Commands">
        <code>{lines.join('\n')}</code>
      </pre>
      <CopyButton text={lines.join('\n')} />
    </div>
  );
}

function CopyButton({ text }: { readonly text: string }) {
  const [isCopied, setCopied] = useState(false);
  // Without TLS, browsers give no clipboard: the text can still be selected.
  if (!window.isSecureContext) return null;
  const copy = async (): Promise<void> => {
    await navigator.clipboard.writeText(text);
    setCopied(true);
    setTimeout(() => setCopied(false), 2_000);
  };
  return (
    <button
      type="button"
      className="copy"
      onClick={() => void copy()}
      aria-label="Copy the commands"
    >
      {isCopied ? (
        <IconCheck size={16} aria-hidden="true" />
      ) : (
        <IconCopy size={16} aria-hidden="true" />
      )}
      <span aria-live="polite">{isCopied ? 'copied' : 'copy'}</span>
    </button>
  );
}

/** The same call for `curl`. */
export function curlLine(
  method: string,
  path: string,
  body?: object,
  headers: Readonly<Record<string, string>> = {},
): string {
  const sent = Object.entries(headers).map(([name, value]) => ` -H '${name}: ${value}'`);
  const token = currentToken() === null ? '' : ` -H "Authorization: Bearer $TOKEN"`;
  const data =
    body === undefined
      ? ''
      : ` -H 'Content-Type: application/json' -d '${JSON.stringify(body).replaceAll("'", `'\\''`)}'`;
  return `curl -X ${method} ${window.location.origin}/api/v1${path}${token}${sent.join('')}${data}`;
}
