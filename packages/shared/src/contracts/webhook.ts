import { createHash, randomBytes } from 'node:crypto';
import { z } from 'zod';
import { invalidInput } from '../errors.js';
import { counts, type FinalState, givenSecret, type JobRecord, jobId, jobState } from './job.js';

/** Stored apart from the job's record, which is shown. */
export const webhookSecret = z.strictObject({
  secret: z.string(),
  /** The secret before, which signs as well for a time after a rotation. */
  previous: z.strictObject({ secret: z.string(), until: z.iso.datetime() }).optional(),
});
export type WebhookSecret = z.output<typeof webhookSecret>;

/** Secrets that sign at a time: the current one first. */
export const secretsAt = ({ secret, previous }: WebhookSecret, at: Date): readonly string[] =>
  previous !== undefined && Date.parse(previous.until) > at.getTime()
    ? [secret, previous.secret]
    : [secret];

/** `POST /v1/jobs/:id/webhook/rotate-secret`. */
export const rotationRequest = z.strictObject({
  /** The new secret; one is made where it is left out. */
  secret: givenSecret.optional(),
  /** Time in which the secret before signs as well; 0 ends it at once. */
  graceSeconds: z
    .int()
    .min(0)
    .max(30 * 24 * 3600)
    .default(24 * 3600),
});

const eventTypes = ['job.completed', 'job.failed', 'job.cancelled', 'job.expired'] as const;

/** What is posted: the body that is signed. */
export const webhookEvent = z.strictObject({
  type: z.enum(eventTypes),
  timestamp: z.iso.datetime(),
  data: z.strictObject({ job: jobId, state: jobState, counts }),
});

/** One attempt to post an event. */
export const deliveryAttempt = z.strictObject({
  at: z.iso.datetime(),
  /** null where there was no answer. */
  status: z.int().nullable(),
  milliseconds: z.int().min(0),
  error: z.string().nullable(),
});

/** An event of a job and what became of it, in the object store beside the job. */
export const delivery = z.strictObject({
  version: z.literal(1),
  /** `webhook-id`: the same however often it is posted. */
  id: z.string().regex(/^msg_[0-9a-f]{32}$/),
  event: webhookEvent,
  /** `failed`: given up, or refused for good. */
  state: z.enum(['pending', 'delivered', 'failed']),
  /** The last ones. */
  attempts: z.array(deliveryAttempt),
});
export type Delivery = z.output<typeof delivery>;

export const keptAttempts = 50;

/**
 * Delivery of a job's end, as it is before its first attempt.
 *
 * @param endedAt Timestamp of the event.
 */
export function newDelivery(job: JobRecord, state: FinalState, endedAt: Date): Delivery {
  const { id, attempt } = job;
  const type = `job.${state}` as const;
  const digest = createHash('sha256').update(`${id} ${attempt} ${type}`).digest('hex');
  const data = { job: id, state, counts: job.counts };
  const event = { type, timestamp: endedAt.toISOString(), data };
  return { version: 1, id: `msg_${digest.slice(0, 32)}`, event, state: 'pending', attempts: [] };
}

export const newWebhookSecret = (): string => `whsec_${randomBytes(32).toString('base64')}`;

/** @throws {AppError} `invalid_input` unless it is base64 of 24 to 64 bytes. */
export function assertWebhookSecret(secret: string): void {
  const text = secret.slice('whsec_'.length);
  const bytes = Buffer.from(text, 'base64');
  if (bytes.toString('base64') !== text || bytes.length < 24 || bytes.length > 64) {
    throw invalidInput('webhook.secret: Expected whsec_ and base64 of 24 to 64 bytes');
  }
}
