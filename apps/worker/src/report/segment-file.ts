import { promisify } from 'node:util';
import { gunzip, gzip } from 'node:zlib';
import { parseJson } from '@umbra/platform/store/json';
import { decodeEvidence, encodeEvidence, type ImageEvidence } from '@umbra/report';
import { integrity } from '@umbra/shared/errors';
import { z } from 'zod';

const count = z.int().min(0);

/** What an evidence segment says of itself, before its images. */
const segmentHead = z.strictObject({
  version: z.literal(1),
  /** The job's attempt at which its images were last looked for. */
  attempt: z.int().min(1),
  /** Whether the job had ended then: until its next attempt, nothing more is to come. */
  isFinal: z.boolean(),
  /** Images of the manifest that the segment covers, and their lines there: half-open, bytes. */
  images: count,
  offset: z.strictObject({ start: count, end: count }),
  /** Results that could not be read. */
  damaged: count,
});
export type SegmentHead = z.output<typeof segmentHead>;

/** Consecutive images of a manifest, and the evidence of those that have a result, in their order. */
export type EvidenceSegment = SegmentHead & { readonly evidence: readonly ImageEvidence[] };

/** Floats gain little from a higher level. */
const level = 1;
/** A thousand images take about two megabytes. */
const maxBytes = 256 * 1024 * 1024;
const compress = promisify<Buffer, { level: number }, Buffer>(gzip);
const decompress = promisify<Buffer, { maxOutputLength: number }, Buffer>(gunzip);

export async function encodeSegment({ evidence, ...head }: EvidenceSegment): Promise<Buffer> {
  const text = Buffer.from(JSON.stringify(head));
  const length = Buffer.alloc(4);
  length.writeUInt32LE(text.length);
  return compress(Buffer.concat([length, text, encodeEvidence(evidence)]), { level });
}

/** @throws {AppError} `integrity` unless the bytes are a segment's. */
export async function decodeSegment(packed: Buffer): Promise<EvidenceSegment> {
  const bytes = await decompress(packed, { maxOutputLength: maxBytes }).catch((error: unknown) => {
    throw integrity('Expected a compressed segment of evidence', error);
  });
  const end = 4 + (bytes.length < 4 ? 0 : bytes.readUInt32LE());
  const head = parseJson(bytes.subarray(4, end).toString(), segmentHead, 'a segment of evidence');
  return { ...head, evidence: decodeEvidence(bytes.subarray(end)) };
}
