import {
  counts,
  dataset,
  errorReport,
  imageResult,
  imageStatus,
  jobEstimate,
  jobRequest,
  jobState,
  jobStatus,
  layer,
  layerList,
  modelSummary,
  occlusionSettings,
  refusal,
  workerNotice,
} from '@umbra/shared';
import type { z } from 'zod';
import { problem } from './problems.js';

/**
 * Schemas that the document names, so that a generated client has types of these names. Every other
 * one is written out where it is used.
 */
export const namedSchemas = {
  Dataset: dataset,
  Refusal: refusal,
  JobRequest: jobRequest,
  Job: jobStatus,
  JobState: jobState,
  JobEstimate: jobEstimate,
  Counts: counts,
  Settings: occlusionSettings,
  Image: imageStatus,
  ImageResult: imageResult,
  Model: modelSummary,
  Layer: layer,
  LayerList: layerList,
  Worker: workerNotice,
  ErrorReport: errorReport,
  Problem: problem,
} as const satisfies Readonly<Record<string, z.ZodType>>;
