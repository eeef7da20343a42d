import { z } from 'zod';
import { errorReport, imageId, itemLabel, sha256 } from './dataset.js';
import { jobId } from './job.js';
import { box, extent } from './result.js';
import { occlusionSettings } from './settings.js';
import { classOf } from './shard.js';

const count = z.int().min(0);
const share = z.number().min(0).max(1);
const time = z.iso.datetime();

/** A mean over images, with the ends of its interval of 95 %. */
export const estimate = z.strictObject({ mean: z.number(), low: z.number(), high: z.number() });
export type Estimate = z.output<typeof estimate>;

/** Numbers of the lattice's cells as base64 of little-endian float32, row-major; NaN where nothing is known. */
export const cells = z.base64();

/** By which class images are told apart: what their label names, or what the model predicts. */
export const reportGrouping = z.enum(['label', 'predicted']);
export type ReportGrouping = z.output<typeof reportGrouping>;

/** Body of `POST /v1/jobs/:id/report`. */
export const reportRequest = z.strictObject({
  /** `label` where at least half of the images have one that names a class; else `predicted`. */
  groupBy: reportGrouping.optional(),
  /** Layer whose activations tell patches apart; the input of the last product when left out. */
  layer: z.string().min(1).max(500).optional(),
  /** Jobs on the same dataset and model with other fills, whose maps are held against this job's. */
  others: z.array(jobId).max(8).default([]),
  /** Decisive patches that are run and clustered, of all classes together; 0 for none. */
  patches: z.int().min(0).max(20_000).default(2_000),
  /** Images by which deletion and insertion are held against a random order; 0 for none. */
  checkedImages: z.int().min(0).max(1_000).default(16),
  /** Seed of every draw. */
  seed: z.int().min(0).max(0xffffffff).default(1),
});
export type ReportRequest = z.output<typeof reportRequest>;

/** `request.json` of a job's report: what was asked for last, and when. */
export const requestedReport = z.strictObject({
  version: z.literal(1),
  request: reportRequest,
  requestedAt: time,
});
export type RequestedReport = z.output<typeof requestedReport>;

/** What a report is queued with. */
export const reportPayload = z.strictObject({ version: z.literal(1), tenant: z.string(), jobId });
export type ReportPayload = z.output<typeof reportPayload>;

/** `running` also while it waits for more images of a job that goes on. */
export const reportState = z.enum(['queued', 'running', 'completed', 'failed']);

/** How far a job's report is: `GET /v1/jobs/:id/report`. */
export const reportStatus = z.strictObject({
  version: z.literal(1),
  job: jobId,
  state: reportState,
  request: reportRequest,
  requestedAt: time,
  startedAt: time.nullable(),
  /** When the report was last written; images that end later are in the next one. */
  writtenAt: time.nullable(),
  completedAt: time.nullable(),
  /** What is done now: `evidence`, `patches`, `checks`, `tables`; null before and after. */
  stage: z.string().nullable(),
  /** Progress of the stage, in images. */
  progress: z.strictObject({ done: count, total: count }),
  error: errorReport.nullable(),
});
export type ReportStatus = z.output<typeof reportStatus>;

/** A class's mean map and its spread over images, on a lattice of cells. */
const atlas = z.strictObject({
  /** Images with such a map. */
  images: count,
  /** Mean attribution of each cell over the images, and its standard deviation (n - 1). */
  mean: cells,
  deviation: cells,
});

/** Whether evidence lies where it should not, for one class. */
const placeTest = z.strictObject({
  /** Images with positive attribution (and a box, where boxes are asked about). */
  images: count,
  /** Mean share of the positive attribution that lies there, and of the frame's area. */
  share: estimate,
  area: share,
  /** Mean of share minus area over the images. */
  excess: estimate,
  /**
   * One-sided, that the excess is above 0, and above what noise gives there (see docs/report.md), by flipping
   * signs; adjusted over the classes.
   */
  p: share,
  adjusted: share,
  isSignificant: z.boolean(),
});

/** One group of images: `null` label for those without a class. */
export const classReport = z.strictObject({
  class: z.strictObject({ index: count.nullable(), label: z.string() }),
  images: count,
  /** Images whose label names the predicted class, of those that have a label; null where none has. */
  accuracy: estimate.nullable(),
  /** Baseline score minus the lowest one, in the job's unit. */
  drop: estimate,
  /** Share of the positions at which the decision changes. */
  flipped: estimate,
  /** In the model's input frame, and in the box's: the box is the middle half of the lattice. */
  atlas: z.strictObject({ input: atlas, object: atlas.nullable() }),
  /** The mean drop after so many images, drawn in a seeded order; `halfWidth` of its interval of 95 %. */
  running: z.array(z.strictObject({ images: count, mean: z.number(), halfWidth: z.number() })),
  /** Images after which the half-width stays at or below the tolerance; null where it does not. */
  enough: z.strictObject({ images: count.nullable(), tolerance: z.number() }),
  /** Off the labelled object's box; null where no image has one. */
  offObject: placeTest
    .extend({
      /**
       * One-sided, that the evidence follows the object: its share off the box is lower than with maps shuffled
       * between the class's images. Adjusted over the classes.
       */
      follows: z.strictObject({ p: share, adjusted: share }),
    })
    .nullable(),
  /** In the outer tenth of the frame. */
  border: placeTest.nullable(),
});
export type ClassReport = z.output<typeof classReport>;

/** An image that a part of the report names. */
const reportImage = z.strictObject({ id: imageId, name: z.string() });

const clusterMember = reportImage.extend({
  drop: z.number(),
  /** The patch, px of the upright photo. */
  box,
  /** Cosine with the cluster's centre. */
  similarity: z.number(),
});

/** Decisive patches of one class in which the model sees the same. */
export const patchCluster = z.strictObject({
  id: count,
  class: classReport.shape.class,
  /** Number of patches, and their share of the class's that were clustered. */
  images: count,
  share,
  medianDrop: z.number(),
  /** Median of drop / baseline score, where the score is a probability; else null. */
  medianLoss: z.number().nullable(),
  /** Mean cosine between patches of the cluster. */
  compactness: z.number(),
  /** By which clusters are ranked: see docs/report.md. */
  weight: z.number(),
  /** Share of them whose patch lies off the object's box for more than half; null without boxes. */
  offObject: share.nullable(),
  /** Mean and standard deviation of the patches' centres, as shares of the input's height and width. */
  place: z.strictObject({
    y: z.strictObject({ mean: z.number(), deviation: z.number() }),
    x: z.strictObject({ mean: z.number(), deviation: z.number() }),
  }),
  /** The nearest to the centre first, at most 200; crops of the first 12 are kept. */
  members: z.array(clusterMember).max(200),
});
export type PatchCluster = z.output<typeof patchCluster>;

const patchReport = z.strictObject({
  /** The layer whose activations were clustered; null where none could be had, for this reason. */
  layer: z.string().nullable(),
  reason: z.string().nullable(),
  /** Patches that were run, of so many images that could have been. */
  images: count,
  candidates: count,
  /** For each class the number of clusters that was chosen, and the mean silhouette of that choice. */
  choices: z.array(
    z.strictObject({
      class: classReport.shape.class,
      clusters: count,
      silhouette: z.number().nullable(),
    }),
  ),
  /** The weightiest first. */
  clusters: z.array(patchCluster),
});
export type PatchReport = z.output<typeof patchReport>;

/** What wins where evidence of a class is covered. */
const flipEdge = z.strictObject({
  from: classOf,
  /** Null where no class is predicted then. */
  to: classOf.nullable(),
  /** Images in which some position flips so, and their share of the images predicted `from`. */
  images: count,
  share,
  positions: count,
  examples: z.array(reportImage.extend({ box })).max(6),
});
export type FlipEdge = z.output<typeof flipEdge>;

/** Agreement of an image's maps under several fills or patch sizes. */
const agreement = z.strictObject({
  /** Between what: patch sizes of the job, or it and other jobs with their fills. */
  maps: z.array(z.strictObject({ name: z.string(), job: jobId.nullable() })),
  images: count,
  /** Lowest Spearman correlation between two maps of an image: mean over images. */
  mean: estimate,
  /** An image below this depends on the choice; how many do. */
  threshold: z.number(),
  unstable: count,
  /** Images in each of 20 bins of 0.1 from -1 to 1; a bin has its lower end, and the last one 1 as well. */
  histogram: z.array(count).length(20),
  /** The least agreeing first, at most 200. */
  worst: z.array(reportImage.extend({ agreement: z.number() })).max(200),
});

/** Deletion and insertion by the maps' order, and by a random one, of the same images. */
const orderCheck = z.strictObject({
  images: count,
  steps: count,
  deletion: estimate,
  randomDeletion: estimate,
  insertion: estimate,
  randomInsertion: estimate,
  /** One-sided, that the maps' order is better than a random one, by flipping signs. */
  p: z.strictObject({ deletion: share, insertion: share }),
});
export type OrderCheck = z.output<typeof orderCheck>;

const suspect = reportImage.extend({
  label: itemLabel.nullable(),
  predicted: classOf,
  class: classReport.shape.class,
  drop: z.number(),
  /** 1 minus the cosine between its map and the mean of its class's other images. */
  distance: z.number(),
  /** Distance as a robust z-score of its class: see docs/report.md. */
  z: z.number(),
  /** In sentences, the strongest first. */
  reasons: z.array(z.string()).min(1),
});
export type Suspect = z.output<typeof suspect>;

/** One number each, by which a report is summed up and jobs are gated; null where it is not known. */
export const reportMetrics = z.strictObject({
  images: count,
  accuracy: share.nullable(),
  drop: z.number().nullable(),
  flipped: share.nullable(),
  /** Mean share of the positive attribution off the box, and in the border. */
  'off-object': share.nullable(),
  border: share.nullable(),
  /** Classes of which either is significant. */
  'significant-classes': count,
  /** Largest share of a class's decisive patches in one cluster whose patches lie off the object. */
  'off-object-cluster': share.nullable(),
  /** Share of the images whose maps depend on fill or patch size. */
  unstable: share.nullable(),
  suspects: count,
});
export type ReportMetrics = z.output<typeof reportMetrics>;
export type ReportMetric = keyof ReportMetrics;

/** `report.json` of a job. */
export const jobReport = z.strictObject({
  version: z.literal(1),
  job: jobId,
  model: z.strictObject({ name: z.string(), digest: sha256 }),
  settings: occlusionSettings,
  request: reportRequest,
  writtenAt: time,
  /** Images of the job, those that ended, and those with a result that this report has read. */
  images: z.strictObject({ total: count, ended: count, read: count }),
  /** Whether every image has ended, so that nothing is to come. */
  isComplete: z.boolean(),
  groupBy: reportGrouping,
  /** Extent of the maps' lattice, cells; and of the input, px, where all images have the same. */
  lattice: z.strictObject({ rows: count, columns: count }),
  input: extent.nullable(),
  metrics: reportMetrics,
  /** The most images first. */
  classes: z.array(classReport),
  patches: patchReport,
  /** The most images first, at most 500. */
  flips: z.array(flipEdge).max(500),
  trust: z.strictObject({ agreement: agreement.nullable(), order: orderCheck.nullable() }),
  /** The most unlike first, at most 200. */
  suspects: z.array(suspect).max(200),
  /** What to know of these numbers, such as what was left out and why. */
  notes: z.array(z.string()),
});
export type JobReport = z.output<typeof jobReport>;
