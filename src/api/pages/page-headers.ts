/** Headers of every answer, so that a browser runs and loads nothing but files of this server. */

import { randomBytes } from 'node:crypto';
import type { RequestHandler, Response } from 'express';
import helmet from 'helmet';

/** No inline code. Inline style sheets need the nonce of their answer, which pages write where they have one (`nonceOf`). */
export function pageHeaders(): RequestHandler[] {
  return [
    (_request, response, next) => {
      response.locals.nonce = randomBytes(16).toString('base64url');
      next();
    },
    helmet({
      contentSecurityPolicy: {
        useDefaults: false,
        directives: {
          defaultSrc: ["'none'"],
          scriptSrc: ["'self'"],
          styleSrc: ["'self'", (_request, response) => `'nonce-${nonceOf(response as Response)}'`],
          imgSrc: ["'self'", 'data:'],
          fontSrc: ["'self'"],
          connectSrc: ["'self'"],
          baseUri: ["'none'"],
          formAction: ["'self'"],
          frameAncestors: ["'none'"],
        },
      },
      // Longhaul speaks plain HTTP; whoever puts TLS before it decides on this.
      strictTransportSecurity: false,
      // Browsers obey it over TLS and on the machine itself only, and complain about it elsewhere.
      crossOriginOpenerPolicy: false,
      originAgentCluster: false,
    }),
  ];
}

/** Of the answer, made by `pageHeaders`. */
export function nonceOf(response: Response): string {
  return String(response.locals.nonce);
}
