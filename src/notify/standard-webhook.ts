import { createHmac } from 'node:crypto';

/** Headers by which a receiver knows who sent this, that nobody changed it, and whether it came before. Source: Standard Webhooks 1.0.0.
 *  @param secret `whsec_` and the key in base64, or the base64 alone */
export function signedHeaders(
  id: string,
  nowMs: number,
  body: string,
  secret: string,
): Record<string, string> {
  const seconds = String(Math.floor(nowMs / 1_000));
  const key = Buffer.from(secret.replace(/^whsec_/, ''), 'base64');
  const signature = createHmac('sha256', key).update(`${id}.${seconds}.${body}`).digest('base64');
  return {
    'webhook-id': id,
    'webhook-timestamp': seconds,
    'webhook-signature': `v1,${signature}`,
  };
}
