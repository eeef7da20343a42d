import { at } from '@umbra/shared/assert';
import { mapInOrder } from '@umbra/shared/concurrency';
import type { ModelBundle } from '@umbra/shared/contracts/model';
import { allOutputs, type Outputs } from '@umbra/shared/contracts/outputs';
import { type ImageResult, imageResult, type ResultFile } from '@umbra/shared/contracts/result';
import type { OcclusionSettings } from '@umbra/shared/contracts/settings';
import type { Provenance } from '@umbra/shared/contracts/shard';
import { photoMapping, planFrame } from '@umbra/shared/occlusion/frame';
import { borderShare } from '../occlusion/border-share.js';
import { isRight } from '../occlusion/class-names.js';
import type { OcclusionRun } from '../types.js';
import { describeGrids, findLowest, formatResult } from './describe-grids.js';
import { openFileMaker } from './make-file.js';
import { type FileEntry, listResultFiles, pictureName } from './result-files.js';

export type ResultArguments = {
  /** The photo's file. */
  readonly photo: Buffer;
  /** Extent in px after orientation. */
  readonly image: ImageResult['image'];
  readonly model: {
    readonly bundle: ModelBundle;
    readonly digest: string;
    readonly labels: readonly string[];
  };
  readonly settings: OcclusionSettings;
  /** The run's scores and baseline, for all positions of the plan. */
  readonly run: Pick<
    OcclusionRun,
    'plan' | 'scores' | 'predictedClasses' | 'baseline' | 'faithfulness'
  >;
  readonly provenance: Provenance;
  /** Whether some scores come from an earlier run. */
  readonly reused?: boolean;
  /** Opacity of overlays at the strongest attribution, in [0, 1]. */
  readonly opacity?: number;
  /** Which files are made; all when left out. */
  readonly outputs?: Outputs;
};

/** Files of one image's result, by name; the description comes last. */
export type ResultFiles = ReadonlyMap<ResultFile, Buffer>;

/** Files made at once: each picture waits for threads of its own. */
const filesAtOnce = 3;

/** Make the files of one image's result, for a job and for a local run alike. */
export async function composeResult(given: ResultArguments): Promise<ResultFiles> {
  const { run, model, photo, settings, outputs = allOutputs } = given;
  const { plan, scores, baseline } = run;
  const approximate = run.predictedClasses.includes(-1);
  const frame = planFrame(model.bundle.input, given.image);
  const toPhoto = photoMapping(frame);
  const maker = openFileMaker({
    plan,
    settings,
    approximate,
    targets: baseline.targets,
    arrays: run,
    readPhoto: async () => ({ photo, frame }),
    ...(given.opacity !== undefined && { opacity: given.opacity }),
  });
  const patches = plan.grids.map(({ patch }) => patch);
  const all = listResultFiles({ targets: baseline.targets.length, patches });
  const isKept = ({ kind }: FileEntry) => outputs.includes(kind);
  const kept = all.filter(isKept);
  const files = new Map<ResultFile, Buffer>();
  const made = mapInOrder(
    kept,
    { atOnce: filesAtOnce },
    async ({ file }) => [file, await maker.make(file)] as const,
  );
  for await (const [file, bytes] of made) files.set(file, bytes);
  const borderShares: (number | null)[] = [];
  for (const target of baseline.targets.keys()) {
    borderShares.push(borderShare(await maker.attributionOf(target), plan.image));
  }
  const result = imageResult.parse({
    version: 5,
    image: given.image,
    model: { name: model.bundle.name, digest: model.digest },
    settings,
    approximate,
    input: plan.image,
    toPhoto,
    predicted: baseline.predicted,
    ...(baseline.top && { top: baseline.top }),
    isRight: isRight(given.image.label, baseline.predicted, model.labels),
    grids: describeGrids(run, model.labels),
    targets: baseline.targets.map((target, index) => ({
      ...target,
      lowest: findLowest(plan, at(scores, index), { photo: frame.photo, toPhoto }),
      borderShare: at(borderShares, index),
      faithfulness: run.faithfulness?.[index] ?? null,
      heatmap: pictureName('heatmap', index),
      overlay: pictureName('overlay', index),
    })),
    files: kept.map(({ file }) => file),
    onRequest: all.filter((entry) => !isKept(entry)).map(({ file }) => file),
    provenance: given.provenance,
    reused: given.reused ?? false,
  } satisfies ImageResult);
  return files.set('result.json', Buffer.from(formatResult(result)));
}
