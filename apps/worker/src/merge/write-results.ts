import { composeResult, inputSize, planOcclusion } from '@umbra/engine';
import { keys } from '@umbra/platform/store/keys';
import { readItem } from '@umbra/platform/store/read-item';
import { mustGet } from '@umbra/shared/assert';
import type { ResultFile } from '@umbra/shared/contracts/result';
import type { MergePayload, ShardReturn } from '@umbra/shared/contracts/shard';
import type { WorkerServices } from '../services.js';
import type { LostRows, RunRows } from '../shards/run-rows.js';
import { joinReturned } from './image-rows.js';

type WriteServices = Pick<WorkerServices, 'store' | 'sources' | 'modelCache'>;

/** Join an image's rows, and write those of its results that its job stores. @returns All rows, or those that were lost. */
export async function writeResults(
  services: WriteServices,
  image: MergePayload,
  returned: readonly ShardReturn[],
): Promise<RunRows | LostRows> {
  const { store, sources, modelCache } = services;
  const { tenant, jobId, dataset, item, settings, outputs } = image;
  const model = await modelCache.describe({ tenant, ...image.model });
  const { id, name, sha256, width, height, label, source } = item;
  const plan = planOcclusion(inputSize(model.bundle.input, item), settings);
  const rows = await joinReturned(services, image, returned, plan);
  if ('lost' in rows) return rows;
  const { baseline, faithfulness, provenance, reused, predictedClasses } = rows;
  const files = await composeResult({
    photo: await readItem({ store, sources }, tenant, dataset, item),
    image: {
      ...{ id, name, sha256, width, height },
      ...(label !== undefined && { label }),
      ...(source && { source }),
    },
    model,
    settings,
    run: {
      plan,
      scores: baseline.targets.map((_, target) =>
        rows.scores.subarray(target * plan.positions, (target + 1) * plan.positions),
      ),
      predictedClasses,
      baseline,
      faithfulness,
    },
    provenance,
    reused,
    outputs,
  });
  const put = (file: ResultFile) =>
    store.put(keys.result(tenant, jobId, id, file), mustGet(files, file));
  // The description last: where it stands, the image is completed.
  const rest = [...files.keys()].filter((file) => file !== 'result.json');
  await Promise.all(rest.map(put));
  await put('result.json');
  return rows;
}
