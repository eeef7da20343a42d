import { z } from 'zod';
import { sha256 } from './dataset.js';

/** `archive.zip` where a job has one; `archive-0001.zip` and so on where it is in parts. */
export const archiveName = z.string().regex(/^archive(-\d{4,6})?\.zip$/);

/** One zip: complete in itself, with the images that it holds, their digests and provenance. */
export const archivePart = z.strictObject({
  name: archiveName,
  bytes: z.int().min(0),
  /** Digest of the whole file; null for archives from before digests were kept. */
  sha256: sha256.nullable(),
  /** How many images its manifest lists. */
  images: z.int().min(0),
});
export type ArchivePart = z.output<typeof archivePart>;

/** Stored beside a job's archives, last: where it stands, they are all there. */
export const archiveIndex = z.strictObject({
  version: z.literal(1),
  parts: z.array(archivePart).min(1),
});
