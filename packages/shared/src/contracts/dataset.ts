import { z } from 'zod';
import { type ErrorCode, errorCodes } from '../errors.js';
import { describeBadPath, maxPathLength } from '../file-names.js';
import { hasHidden, replaceHalves } from '../visible-text.js';

export const datasetId = z.string().regex(/^ds_[0-9a-z]{20}$/);
/** Position of the image in its dataset, padded so that names sort in upload order. */
export const imageId = z.string().regex(/^img_[0-9]{8}$/);
export const sha256 = z.string().regex(/^[0-9a-f]{64}$/);
export const errorReport = z.strictObject({
  code: z.enum(Object.keys(errorCodes) as [ErrorCode, ...ErrorCode[]]),
  message: z.string(),
});

/**
 * A text that names a class, in Unicode's composed form: what looks the same is the same. Older manifests
 * have some that were cut within a character; its half is replaced.
 */
export const classText = z.string().min(1).max(200).normalize('NFC').overwrite(replaceHalves);

/**
 * What an image shows, as its dataset says: an index among the model's classes, or a text that names
 * one of them (see `ClassFinder` of the engine).
 */
export const itemLabel = z.union([z.int().min(0), classText]);
export type ItemLabel = z.output<typeof itemLabel>;

/** As `itemLabel`, of a line that a user gives: what looks the same is the same. */
const givenLabel = itemLabel.refine(
  (label) => typeof label === 'number' || !hasHidden(label),
  'Expected a label without hidden characters (controls, directions of writing, zero-width ones)',
);

/** Box of the labelled object: half-open, px of the upright photo. */
export const itemBox = z
  .strictObject({
    top: z.int().min(0),
    left: z.int().min(0),
    bottom: z.int().min(1),
    right: z.int().min(1),
  })
  .refine(({ top, left, bottom, right }) => top < bottom && left < right, {
    error: 'Expected top < bottom and left < right',
    when: ({ issues }) => issues.length === 0,
  });

/** One line of a dataset's manifest: an image that was accepted. */
export const datasetItem = z.strictObject({
  version: z.literal(1),
  id: imageId,
  /** The name the user gave, a relative path with `/`; for display and archives, never a key. */
  name: z.string().min(1).max(maxPathLength),
  sha256,
  bytes: z.int().min(1),
  width: z.int().min(1),
  height: z.int().min(1),
  label: itemLabel.optional(),
  box: itemBox.optional(),
  /** An object of the user's that is read where it lies; the dataset's own copy where there is none. */
  source: z.strictObject({ bucket: z.string().min(1), key: z.string().min(1) }).optional(),
});
export type DatasetItem = z.output<typeof datasetItem>;

/** An accepted image before its dataset is complete and gives it an id. */
export const takenItem = datasetItem.omit({ version: true, id: true });
export type TakenItem = z.output<typeof takenItem>;

/** A file that was not accepted, and why; the rest of the upload is unharmed. */
export const refusal = z.strictObject({ name: z.string(), error: errorReport });
export type Refusal = z.output<typeof refusal>;

export const datasetState = z.enum(['open', 'validating', 'ready', 'failed']);
export type DatasetState = z.output<typeof datasetState>;

/** Words of the user's own, kept and given back. */
export const metadata = z
  .record(z.string().min(1).max(64), z.string().max(512))
  .refine((words) => Object.keys(words).length <= 16, { error: 'Expected at most 16 entries' });

/**
 * A dataset's record. `open` takes images; `validating`, images are being read where they lie;
 * `ready`, its manifest is complete and never changes; `failed`, `error` says why there is none.
 */
const datasetV2 = z.strictObject({
  version: z.literal(2),
  id: datasetId,
  state: datasetState,
  metadata,
  createdAt: z.iso.datetime(),
  readyAt: z.iso.datetime().nullable(),
  failedAt: z.iso.datetime().nullable(),
  /** Accepted so far. */
  images: z.int().min(0),
  /** Bytes of the accepted images, each counted as often as it is listed. */
  bytes: z.int().min(0),
  refused: z.int().min(0),
  /** Accepted images whose content another one of this dataset has: stored and run once. */
  duplicates: z.int().min(0),
  /** Accepted images that have a label. */
  labelled: z.int().min(0),
  error: errorReport.nullable(),
});

/** Records of before datasets had states. */
const datasetV1 = z.strictObject({
  version: z.literal(1),
  id: datasetId,
  createdAt: z.iso.datetime(),
  images: z.int().min(0),
  bytes: z.int().min(0),
  refused: z.int().min(0),
});

/** What a stored record of any version says, in the words of the newest. */
export const storedDataset = z.union([
  datasetV2,
  datasetV1.transform(
    (old): Dataset => ({
      ...old,
      version: 2,
      state: 'ready',
      metadata: {},
      readyAt: old.createdAt,
      failedAt: null,
      duplicates: 0,
      labelled: 0,
      error: null,
    }),
  ),
]);
export const dataset = datasetV2;
export type Dataset = z.output<typeof datasetV2>;

const imageName = z
  .string()
  .min(1)
  .max(maxPathLength)
  .superRefine((name, context) => {
    const bad = describeBadPath(name);
    if (bad === null) return;
    context.addIssue({ code: 'custom', message: `Expected a relative file name, got ${bad}` });
  });
const labelsFrom = z.enum(['folder']);

/** `POST /v1/datasets` in JSON: an open dataset, or one of images where they lie. */
export const datasetRequest = z
  .strictObject({
    metadata: metadata.default({}),
    source: z
      .strictObject({
        kind: z.literal('s3'),
        /** `s3://bucket/prefix/`, in a prefix that the operator allows. */
        uri: z.string().min(1).max(1200),
      })
      .optional(),
    /** `folder`: an image's label is the name of the folder that it lies in. */
    labels: labelsFrom.optional(),
  })
  .refine(({ source, labels }) => labels === undefined || source !== undefined, {
    error: 'Expected labels beside a source; uploads say so each, with ?labels=folder',
    path: ['labels'],
  });
export type DatasetRequest = z.output<typeof datasetRequest>;

/** One line of a manifest that a user gives. */
export const manifestLine = z
  .strictObject({
    /** The object's key where there is none. */
    name: imageName.optional(),
    /** Digest of an image that this dataset holds, or `dataset` does; beside `uri`, what it must have. */
    sha256: sha256.optional(),
    /** Another dataset of the tenant's that holds the image; it is copied. */
    dataset: datasetId.optional(),
    /** `s3://bucket/key`, in a prefix that the operator allows; it is read where it lies. */
    uri: z.string().min(1).max(1200).optional(),
    bytes: z.int().min(1).optional(),
    label: givenLabel.optional(),
    box: itemBox.optional(),
  })
  .refine(({ sha256, uri }) => sha256 !== undefined || uri !== undefined, {
    error: 'Expected sha256 or uri',
  })
  .refine(({ name, uri }) => name !== undefined || uri !== undefined, {
    error: 'Expected a name',
  })
  .refine(({ dataset, uri }) => dataset === undefined || uri === undefined, {
    error: 'Expected dataset or uri, got both',
  });
export type ManifestLine = z.output<typeof manifestLine>;

/** What is to be looked at before a dataset is ready. */
export const datasetSource = z.discriminatedUnion('kind', [
  z.strictObject({
    version: z.literal(1),
    kind: z.literal('s3'),
    bucket: z.string(),
    prefix: z.string(),
    labels: labelsFrom.nullable(),
  }),
  /** A manifest's lines, which are in an object of their own. */
  z.strictObject({
    version: z.literal(1),
    kind: z.literal('lines'),
    /** Files that were to be uploaded: the same one counts once. */
    isUpload: z.boolean(),
    /** What its files take of the tenant's quotas, from when they were promised a place. */
    reserved: z.strictObject({ images: z.int().min(0), bytes: z.int().min(0) }).optional(),
    labels: labelsFrom.nullable(),
  }),
  /** An archive that comes in parts. */
  z.strictObject({
    version: z.literal(1),
    kind: z.literal('archive'),
    format: z.enum(['zip', 'tar', 'tar.gz']),
    bytes: z.int().min(1),
    labels: labelsFrom.nullable(),
  }),
]);
export type DatasetSource = z.output<typeof datasetSource>;

/** What a source is sure to take of its tenant's quotas, before it is looked at. */
export function reservedFor(source: DatasetSource): { images: number; bytes: number } {
  // In the store as an archive, beside the images that come out of it.
  if (source.kind === 'archive') return { images: 0, bytes: source.bytes };
  return (source.kind === 'lines' ? source.reserved : undefined) ?? { images: 0, bytes: 0 };
}

export const sourceId = z.string().regex(/^[0-9]{14}-[0-9a-f]{12}$/);

/** `POST /v1/datasets/:id/uploads`: files that the client will send straight to S3. */
export const uploadRequest = z.strictObject({
  files: z
    .array(
      z.strictObject({
        name: imageName,
        bytes: z.int().min(1),
        sha256,
        label: givenLabel.optional(),
        box: itemBox.optional(),
      }),
    )
    .min(1)
    .max(1000),
});

/** What a file is to be sent with. */
export const presignedUpload = z.strictObject({
  name: z.string(),
  sha256,
  /** PUT the file there, with these headers; null where the store has it already. */
  url: z.string().nullable(),
  headers: z.record(z.string(), z.string()),
});

/** `POST /v1/datasets/:id/archives`: one large archive, to be sent in parts. */
export const archiveRequest = z.strictObject({
  format: z.enum(['zip', 'tar', 'tar.gz']),
  bytes: z.int().min(1),
  labels: labelsFrom.optional(),
});

export const archiveUpload = z.strictObject({
  id: sourceId,
  format: z.enum(['zip', 'tar', 'tar.gz']),
  bytes: z.int().min(1),
  /** How much has come: the rest is sent from there. */
  offset: z.int().min(0),
});

export const ingestPayload = z.strictObject({
  version: z.literal(1),
  tenant: z.string(),
  dataset: datasetId,
});
export type IngestPayload = z.output<typeof ingestPayload>;

/** A dataset's record before anything is in it. */
export const newDataset = (
  id: string,
  createdAt: Date,
  words: Dataset['metadata'] = {},
): Dataset => ({
  version: 2,
  id,
  state: 'open',
  metadata: words,
  createdAt: createdAt.toISOString(),
  readyAt: null,
  failedAt: null,
  images: 0,
  bytes: 0,
  refused: 0,
  duplicates: 0,
  labelled: 0,
  error: null,
});
