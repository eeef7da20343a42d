import { datasetId, imageId } from '@umbra/shared/contracts/dataset';
import { jobId } from '@umbra/shared/contracts/job';
import { z } from 'zod';

/** What stands in paths. A name that cannot exist is answered as one that does not. */
export const jobParam = { job: jobId };
export const datasetParam = { dataset: datasetId };
export const imageParams = { job: jobId, image: imageId };
export const modelParam = { model: z.string().min(1).max(100) };
export const layerParams = { model: modelParam.model, layer: z.string().min(1).max(500) };
