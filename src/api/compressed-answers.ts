/** Answers are sent compressed to whoever takes that: lists of many workloads are mostly names of fields. None tells a secret beside words of whoever asks, so
 *  that its length tells nothing (BREACH). */

import compression from 'compression';
import type { Request, RequestHandler, Response } from 'express';

export function compressedAnswers(): RequestHandler[] {
  return [
    (_request, response, next) => {
      // Before anything is known of the answer: one without content (304) says it as well (RFC 9110, 15.4.5).
      response.vary('Accept-Encoding');
      next();
    },
    compression({ filter: prepared }),
  ];
}

/** @returns whether the answer may be compressed */
function prepared(request: Request, response: Response): boolean {
  // A compressor waits for more, and an event has to arrive by itself.
  if (response.get('Content-Type')?.startsWith('text/event-stream') === true) return false;
  // The bytes of a part are counted in what is not compressed.
  if (response.statusCode === 206) return false;
  // A strong one is of these very bytes (RFC 9110, 8.8.3.3). Here it is a revision, and what a proxy made of it would come back in If-Match.
  if (response.get('ETag')?.startsWith('"') === true) return false;
  if (!compression.filter(request, response)) return false;
  // It would be the length that GET does not have (RFC 9110, 8.6).
  if (request.method === 'HEAD') response.removeHeader('Content-Length');
  return true;
}
