import { z } from 'zod';
import { errorReport, sha256 } from './dataset.js';
import { jobId } from './job.js';
import { classReport, estimate, reportState } from './report.js';

const count = z.int().min(0);
const share = z.number().min(0).max(1);
const time = z.iso.datetime();

export const trialId = z.string().regex(/^trial_[0-9a-z]{20}$/);

/** What a trial is queued with. */
export const trialPayload = z.strictObject({
  version: z.literal(1),
  tenant: z.string(),
  jobId,
  trial: trialId,
});
export type TrialPayload = z.output<typeof trialPayload>;

/** A part of the model's input, as shares of its height and width. */
const region = z
  .strictObject({ top: share, left: share, bottom: share, right: share })
  .refine(({ top, left, bottom, right }) => top < bottom && left < right, {
    error: 'Expected top < bottom and left < right',
    when: ({ issues }) => issues.length === 0,
  });

/** Body of `POST /v1/jobs/:id/trials`: what to cover in images of a class, and to paste onto others. */
export const trialRequest = z.strictObject({
  /**
   * `cluster`: the patches of a cluster of the job's report. `region`: the same place in every image of a class,
   * by its name, and by its index where several classes of the report have that name.
   */
  of: z.discriminatedUnion('kind', [
    z.strictObject({ kind: z.literal('cluster'), cluster: count }),
    z.strictObject({
      kind: z.literal('region'),
      class: z.string().min(1).max(200),
      index: count.optional(),
      region,
    }),
  ]),
  /** Images of each arm, at most; drawn by the seed where there are more. */
  images: z.int().min(1).max(100_000).default(1_000),
  seed: z.int().min(0).max(0xffffffff).default(1),
});
export type TrialRequest = z.output<typeof trialRequest>;

/**
 * The same images before and after something was done to them. Right: the label is predicted; without
 * labels, the class that is predicted of the unchanged image.
 */
const trialArm = z.strictObject({
  images: count,
  /** Share that is right before and after, and after minus before with its interval of 95 %. */
  before: share,
  after: share,
  difference: estimate,
  /** Share predicted as the trial's class before and after. */
  asClass: z.strictObject({ before: share, after: share, difference: estimate }),
});
export type TrialArm = z.output<typeof trialArm>;

/** What was done to an arm's images beyond what its control did to the same images, with the intervals of 95 %. */
const trialEffect = z.strictObject({
  /** Share that is right after it, minus the share that is right after the control. */
  right: estimate,
  /** Share predicted as the trial's class after it, minus that after the control. */
  asClass: estimate,
});
export type TrialEffect = z.output<typeof trialEffect>;

/** The record of a trial, and its result. */
export const trial = z.strictObject({
  version: z.literal(1),
  id: trialId,
  job: jobId,
  model: z.strictObject({ name: z.string(), digest: sha256 }),
  request: trialRequest,
  state: z.enum([...reportState.options, 'cancelled']),
  createdAt: time,
  startedAt: time.nullable(),
  endedAt: time.nullable(),
  progress: z.strictObject({ done: count, total: count }),
  /** The class whose images are covered. */
  class: classReport.shape.class.nullable(),
  result: z
    .strictObject({
      /** Images of the class, with the patch or region covered by the job's fill. */
      cover: trialArm,
      /** The same images, with as large a box at a random place covered: what covering does by itself. */
      coverElsewhere: trialArm,
      /**
       * Images of other classes, with the content pasted at its place; null where none could take it: there are fewer
       * than two, no content fits in the draws, or photos cannot be read.
       */
      paste: trialArm.nullable(),
      /** The same, with what another image of these classes has at that place. */
      pasteOther: trialArm.nullable(),
      /** What `cover` did beyond `coverElsewhere`. */
      coverEffect: trialEffect,
      /** What `paste` did beyond `pasteOther`. */
      pasteEffect: trialEffect.nullable(),
    })
    .nullable(),
  error: errorReport.nullable(),
});
export type Trial = z.output<typeof trial>;
