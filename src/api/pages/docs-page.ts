/** The pages of the API at `/docs`: one self-contained HTML page, made from the OpenAPI document. No script, nothing loaded. */

import { ERROR_CODES } from '../../domain/errors.js';
import { escapeHtml } from './html.js';
import type { OpenApiDocument, OpenApiOperation } from '../openapi.js';

const STYLE = `
  body { font: 16px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem; color-scheme: light dark; }
  h2 { margin-top: 2rem; font-size: 1.1rem; } code, pre { font-family: ui-monospace, monospace; font-size: 0.9rem; overflow-wrap: anywhere; }
  pre { overflow-x: auto; padding: 0.5rem; border: 1px solid #8885; } th, td { text-align: left; padding: 0.2rem 1rem 0.2rem 0; vertical-align: top; }`;

/** @param nonce of the answer, without which a browser does not take the style */
export function docsPage({ paths, servers, components }: OpenApiDocument, nonce: string): string {
  const sections = Object.entries(paths).flatMap(([path, operations]) =>
    Object.entries(operations).map(([method, operation]) => section(method, path, operation)),
  );
  const schemas = Object.entries(components.schemas).map(
    ([name, schema]) =>
      `<section id="schemas/${name}"><h3><code>${name}</code></h3>${details('Schema', schema)}</section>`,
  );
  return `<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1"><title>Longhaul API</title><style nonce="${escapeHtml(nonce)}">${STYLE}</style></head>
<body>
<h1>Longhaul API</h1>
<p>Base: ${servers.map(({ url }) => `<code>${escapeHtml(url)}</code>`).join(', ')}. Machine-readable: <a href="api/v1/openapi.json">openapi.json</a>.</p>
${sections.join('\n')}
<h2>Schemas</h2>
${schemas.join('\n')}
${errorCodes()}
</body>
</html>
`;
}

function section(method: string, path: string, operation: OpenApiOperation): string {
  const { operationId, summary, parameters, requestBody, responses } = operation;
  const rows = Object.entries(responses).map(
    ([status, { description }]) => `<tr><td>${status}</td><td>${prose(description)}</td></tr>`,
  );
  return [
    `<section id="${operationId}"><h2><code>${method.toUpperCase()} ${escapeHtml(path)}</code></h2>`,
    `<p>${prose(summary)}</p>`,
    parameters.length === 0 ? '' : details('Parameters', parameters),
    requestBody === undefined ? '' : details('Body', requestBody),
    `<table>${rows.join('')}</table></section>`,
  ].join('');
}

/** Each code is an anchor, so that whoever meets one finds what to do. */
function errorCodes(): string {
  const rows = Object.entries(ERROR_CODES).map(
    ([code, { meaning, hint }]) =>
      `<tr id="${code}"><td><code>${code}</code></td><td>${prose(meaning)}</td><td>${prose(hint)}</td></tr>`,
  );
  const head = '<tr><th>Code</th><th>Meaning</th><th>What to do</th></tr>';
  return `<section id="errors"><h2>Error codes</h2><table>${head}${rows.join('')}</table></section>`;
}

function details(title: string, content: object): string {
  const json = escapeHtml(JSON.stringify(content, null, 2)).replaceAll(
    /#\/components\/(schemas\/\w+)/g,
    '<a href="#$1">$&</a>',
  );
  return `<details><summary>${title}</summary><pre>${json}</pre></details>`;
}

/** Text of the document is Markdown in so far as it marks code. */
function prose(text: string): string {
  return escapeHtml(text).replaceAll(/`([^`]+)`/g, '<code>$1</code>');
}
