import { dataset, errorReport, refusal } from '@umbra/shared/contracts/dataset';
import { counts, jobEstimate, jobRequest, jobState, jobStatus } from '@umbra/shared/contracts/job';
import { layer, layerList } from '@umbra/shared/contracts/layer';
import { listedModel, modelDetail } from '@umbra/shared/contracts/model';
import { queueReport } from '@umbra/shared/contracts/queue';
import { jobReport, reportRequest, reportStatus } from '@umbra/shared/contracts/report';
import { reportDifference } from '@umbra/shared/contracts/report-difference';
import { imageResult, imageStatus } from '@umbra/shared/contracts/result';
import { imageRow, rowFacets } from '@umbra/shared/contracts/row';
import { occlusionSettings } from '@umbra/shared/contracts/settings';
import { trial, trialRequest } from '@umbra/shared/contracts/trial';
import { listedWorker } from '@umbra/shared/contracts/worker';
import type { z } from 'zod';
import { identity } from '../http/identity.js';
import { problem } from './problem.js';

/**
 * Schemas that become components, so that a generated client has types of these names. All others are
 * inlined where they are used.
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
  ImageRow: imageRow,
  RowFacets: rowFacets,
  JobReport: jobReport,
  ReportStatus: reportStatus,
  ReportOptions: reportRequest,
  ReportDifference: reportDifference,
  Trial: trial,
  TrialOptions: trialRequest,
  Model: listedModel,
  ModelDetail: modelDetail,
  Layer: layer,
  LayerList: layerList,
  Worker: listedWorker,
  Queue: queueReport,
  Identity: identity,
  ErrorReport: errorReport,
  Problem: problem,
} as const satisfies Readonly<Record<string, z.ZodType>>;
