import { datasetId, imageId } from '@umbra/shared/contracts/dataset';
import { jobId } from '@umbra/shared/contracts/job';
import { trialId } from '@umbra/shared/contracts/trial';
import { z } from 'zod';

/** Path parameters. A name that cannot exist is answered 404, as one that does not exist. */
export const jobParam = { job: jobId };
export const datasetParam = { dataset: datasetId };
export const photoParams = { dataset: datasetId, image: imageId };
export const imageParams = { job: jobId, image: imageId };
export const trialParams = { job: jobId, trial: trialId };
export const modelParam = { model: z.string().min(1).max(100) };
export const layerParams = { model: modelParam.model, layer: z.string().min(1).max(500) };
