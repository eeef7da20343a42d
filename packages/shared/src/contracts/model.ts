import { z } from 'zod';
import { integrity, invalidInput } from '../errors.js';
import { describeBadFilePath } from '../file-names.js';
import { sha256 } from './dataset.js';

/** Leaves room in a key of the store for the model's name and digest. */
const maxFilePathBytes = 512;

const filePath = z.string().superRefine((path, context) => {
  const bad = describeBadFilePath(path, maxFilePathBytes);
  if (bad === null) return;
  context.addIssue({ code: 'custom', message: `Expected a relative path, got ${bad}` });
});

const file = z.strictObject({
  /** Relative to the bundle's folder, with `/`; any script, and folders within. */
  path: filePath,
  sha256,
  bytes: z.int().min(1),
});

const resizeRule = z.discriminatedUnion('rule', [
  z.strictObject({ rule: z.literal('crop'), shorterSide: z.int().min(1) }),
  z.strictObject({ rule: z.literal('fit'), shorterSide: z.int().min(1) }),
  z.strictObject({ rule: z.literal('squash') }),
]);

const modelInput = z
  .strictObject({
    layout: z.enum(['NCHW', 'NHWC']),
    height: z.int().min(1),
    width: z.int().min(1),
    channels: z.enum(['RGB', 'BGR', 'L']),
    scale: z.number().positive(),
    mean: z.array(z.number()),
    std: z.array(z.number().positive()),
    resize: resizeRule,
    interpolation: z.enum(['bilinear', 'bicubic']),
  })
  .superRefine(({ channels, mean, std }, context) => {
    const wanted = channelCount({ channels });
    for (const [field, { length }] of Object.entries({ mean, std })) {
      if (length === wanted) continue;
      const message = `Expected a number for each channel of ${channels}, ${wanted}, got ${length}`;
      context.addIssue({ code: 'custom', path: [field], message });
    }
  })
  .superRefine(({ resize, height, width }, context) => {
    const least = Math.max(height, width);
    if (resize.rule !== 'crop' || resize.shorterSide >= least) return;
    context.addIssue({
      code: 'custom',
      path: ['resize', 'shorterSide'],
      message: `Expected at least ${least}, so that an input of ${height} x ${width} px (height x width) can be cut out of any photo, got ${resize.shorterSide}`,
    });
  });

/** Count of the channels that a model takes: one for grey (`L`), three for colour. */
export const channelCount = ({ channels }: { readonly channels: string }): number =>
  channels === 'L' ? 1 : 3;

/**
 * What a row of a model's scores is made of. Exclusive classes share one softmax, whose sum is 1;
 * independent ones have a sigmoid each, so that several may be present at once, or none.
 */
export const outputKind = z.enum([
  'logits',
  'probabilities',
  'independent-logits',
  'independent-probabilities',
]);
export type OutputKind = z.output<typeof outputKind>;

export const isIndependent = (kind: OutputKind): boolean => kind.startsWith('independent-');

/** Probability from which on an independent class is present, where a bundle names none. */
export const defaultThreshold = 0.5;

/**
 * How a model's output is read. A single score speaks for `positive`; `negative` names its opposite.
 */
const modelOutput = z
  .strictObject({
    kind: outputKind,
    /** The output that holds the scores, where the file has several. */
    name: z.string().min(1).optional(),
    positive: z.string().min(1).normalize('NFC').optional(),
    negative: z.string().min(1).normalize('NFC').optional(),
    threshold: z.number().gt(0).lt(1).optional(),
  })
  .superRefine(({ kind, positive, negative, threshold }, context) => {
    for (const [field, value] of Object.entries({ positive, negative, threshold })) {
      if (value === undefined || isIndependent(kind)) continue;
      const message = `Expected kind 'independent-logits' or 'independent-probabilities' with it, got '${kind}'`;
      context.addIssue({ code: 'custom', path: [field], message });
    }
    if (negative !== undefined && (positive === undefined || positive === negative)) {
      const message = `Expected a class beside another one, output.positive, got ${positive === undefined ? 'none' : `'${positive}' twice`}`;
      context.addIssue({ code: 'custom', path: ['negative'], message });
    }
  });
export type ModelOutput = z.output<typeof modelOutput>;

/** The names of a single score's two classes, `[negative, positive]`; null where none are given. */
export const classPair = ({ positive, negative }: ModelOutput): readonly [string, string] | null =>
  positive === undefined ? null : [negative ?? `not ${positive}`, positive];

/**
 * `bundle.json`: what a model is and how photos become its input. A pixel `p` in [0, 255] enters
 * as `(p * scale - mean[c]) / std[c]`, in the order of `channels`; `L` is one channel of grey.
 *
 * `resize`: `crop` brings the shorter side to `shorterSide` px and cuts the centre out; `fit` brings
 * the shorter side there and cuts nothing (the input varies in size); `squash` ignores the aspect.
 */
export const modelBundle = z
  .strictObject({
    version: z.literal(1),
    name: z
      .string()
      .min(1)
      .max(100)
      .regex(/^[a-z0-9][a-z0-9._-]*$/),
    format: z.enum(['onnx', 'tfjs-layers', 'tfjs-graph']),
    files: z.array(file).min(1),
    model: z.string(),
    labels: z.string().optional(),
    input: modelInput,
    /** 1: it is run one image at a time. Left out: with any number, and each for itself. */
    batch: z.literal(1).optional(),
    /** A plain text is the kind alone. */
    output: z.preprocess(
      (value) => (typeof value === 'string' ? { kind: value } : value),
      modelOutput,
    ),
    licence: z.string().min(1),
    source: z.string().min(1),
  })
  .superRefine(({ files, model, labels, output }, context) => {
    if (labels !== undefined && output.positive !== undefined) {
      const message = `Expected labels or output.positive, which names the classes of a single score, got both`;
      context.addIssue({ code: 'custom', path: ['labels'], message });
    }
    const listed = new Set(files.map(({ path }) => path));
    for (const [field, path] of Object.entries({ model, labels })) {
      if (path === undefined || listed.has(path)) continue;
      const message = `Expected one of the files listed, got '${path}'`;
      context.addIssue({ code: 'custom', path: [field], message });
    }
  });
export type ModelBundle = z.output<typeof modelBundle>;

/** One row of `GET /v1/models`. `digest` is the sha256 of `bundle.json`, which lists all others. */
export const modelSummary = z.strictObject({
  name: z.string(),
  digest: sha256,
  format: modelBundle.shape.format,
  /** What leads from a photo to the model's input: see `planFrame`. */
  input: z.strictObject({ height: z.int(), width: z.int(), resize: resizeRule }),
  output: modelOutput,
  licence: z.string(),
  /** Who has it: the tenant that uploaded it, or all, where the service has it. */
  scope: z.enum(['tenant', 'service']),
  /** When its tenant uploaded it; null where the service has it. */
  uploadedAt: z.iso.datetime().nullable(),
});
export type ModelSummary = z.output<typeof modelSummary>;

/** Why and since when a model is not run, since processes ended at its images. */
export const setAside = z.strictObject({ reason: z.string(), at: z.iso.datetime() });
export type SetAside = z.output<typeof setAside>;

/** A model as the service lists it. */
export const listedModel = modelSummary.extend({ setAside: setAside.nullable() });
export type ListedModel = z.output<typeof listedModel>;

/** A model in full, as `GET /v1/models/:name` describes it. */
export const modelDetail = listedModel.extend({
  input: modelInput,
  /** Number of classes that its bundle names; null where it names none. */
  classes: z.int().min(1).nullable(),
  /** Size of its files, bytes. */
  bytes: z.int().min(1),
  source: z.string(),
});
export type ModelDetail = z.output<typeof modelDetail>;

/** A bundle's description and its digest: the sha256 of `bundle.json`, which lists all other files. */
export type DescribedBundle = { readonly bundle: ModelBundle; readonly digest: string };

/** @throws {AppError} `invalid_input` naming each bad field. */
export function parseBundle(text: Uint8Array, where: string): ModelBundle {
  let value: unknown;
  try {
    value = JSON.parse(new TextDecoder().decode(text));
  } catch (error) {
    throw invalidInput(`Expected JSON in '${where}'`, error);
  }
  const parsed = modelBundle.safeParse(value);
  if (parsed.success) return parsed.data;
  const problems = parsed.error.issues.map((issue) => `${issue.path.join('.')}: ${issue.message}`);
  throw invalidInput(`Bad model description '${where}': ${problems.join('; ')}`);
}

const classNames = z.array(z.string().normalize('NFC'));

/**
 * Parse a bundle's file of class names: a JSON array, in the order of the network's output.
 *
 * @param classes How many scores the network gives, if that is known.
 * @throws {AppError} `integrity` if the file is not an array of so many names.
 */
export function parseClassNames(
  text: Uint8Array,
  { name, labels }: Pick<ModelBundle, 'name' | 'labels'>,
  classes?: number,
): readonly string[] {
  const parsed = classNames.safeParse(jsonOf(text));
  if (parsed.success && parsed.data.length === (classes ?? parsed.data.length)) return parsed.data;
  throw integrity(
    `Expected '${labels}' of model '${name}' to be a JSON array of ${classes === undefined ? '' : `${classes} `}names, got ${parsed.success ? `${parsed.data.length} names` : 'something else'}`,
  );
}

function jsonOf(text: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder().decode(text));
  } catch {
    return undefined;
  }
}
