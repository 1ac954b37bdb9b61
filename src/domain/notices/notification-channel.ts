/** Where and what is told when copies are not well. Secrets are named by the files that hold them. Plain data. */

import type { QuietHours } from './quiet-hours.js';
import type { SafetySeverity } from '../safety/safety-codes.js';

/** Kinds of channels that post one text to an address; the address holds its secret, so it lies in a file. */
export const POST_KINDS = ['slack', 'teams', 'discord', 'ntfy', 'gotify', 'apprise'] as const;

export type PostKind = (typeof POST_KINDS)[number];

export interface ChannelRules {
  /** Slug; never changes. */
  readonly id: string;
  /** The least grave that is told. */
  readonly severity: SafetySeverity;
  /** Only what concerns these jobs; null: everything. */
  readonly jobs: readonly string[] | null;
  /** When the digest of the day is sent, `HH:MM` in the zone of the server; null: never. */
  readonly digestAt: string | null;
  /** Every day, in the zone of the server: what begins or ends then is told when they end. null: it is told at any hour. */
  readonly quietHours: QuietHours | null;
}

export interface MailChannel extends ChannelRules {
  readonly kind: 'mail';
  readonly host: string;
  readonly port: number;
  /** `tls`: from the first byte; `starttls`: required before anything is sent; `none`: in clear. */
  readonly security: 'tls' | 'starttls' | 'none';
  /** null: the server asks for no name. */
  readonly username: string | null;
  readonly passwordFile: string | null;
  readonly from: string;
  readonly to: readonly string[];
}

/** Signed as Standard Webhooks describes. */
interface WebhookChannel extends ChannelRules {
  readonly kind: 'webhook';
  readonly urlFile: string;
  readonly secretFile: string;
}

interface PostChannel extends ChannelRules {
  readonly kind: PostKind;
  readonly urlFile: string;
}

/** Asks for attention when it is called no more. */
export interface PingChannel extends Pick<ChannelRules, 'id'> {
  readonly kind: 'ping';
  readonly urlFile: string;
  /** Called at the start and the end of each session of this job; null: at each look of Longhaul at itself. */
  readonly job: string | null;
}

/** What a check is told of a session. */
export type PingEvent = 'start' | 'success' | 'fail';

export type NotificationChannel = MailChannel | WebhookChannel | PostChannel | PingChannel;

/** Those that are told something. */
export type ToldChannel = Exclude<NotificationChannel, PingChannel>;

export interface NotificationSettings {
  /** Between two looks at whether all is well. */
  readonly watchSeconds: number;
  /** How long something must be wrong, or well again, before it is told. */
  readonly holdSeconds: number;
  readonly channels: readonly NotificationChannel[];
}

/** A job that a channel is for. */
export interface ChannelJob {
  readonly channelId: string;
  readonly jobId: string;
}

export function channelJobs(channels: readonly NotificationChannel[]): ChannelJob[] {
  return channels.flatMap((channel) => {
    const jobs = channel.kind === 'ping' ? [channel.job ?? []].flat() : (channel.jobs ?? []);
    return jobs.map((jobId) => ({ channelId: channel.id, jobId }));
  });
}

/** What the watch must know of a channel, and no secret. */
export type WatchedChannel = ChannelRules & { readonly kind: ToldChannel['kind'] };

export interface WatchRules {
  readonly watchMs: number;
  readonly holdMs: number;
  readonly told: readonly WatchedChannel[];
  /** Ids of the channels that are called after each look that was made; not those of jobs. */
  readonly pings: readonly string[];
  /** IANA name, of `digestAt` and `quietHours`. */
  readonly timeZone: string;
}
