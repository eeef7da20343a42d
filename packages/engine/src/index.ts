export { type Frame, inputSize, photoMapping, planFrame } from '@umbra/shared/occlusion/frame';
export { inspectTelemetry, type LibraryTelemetry } from './backends/library-telemetry.js';
export { probeTfjs, type TfjsFound } from './backends/tfjs-probe.js';
export { decodeFloats, decodeInts, encodeFloats, encodeInts, encodeNpy } from './encoding/npy.js';
export { openEngine } from './engine.js';
export { type EstimateOptions, estimateRun } from './estimate-run.js';
export { renderActivations } from './figures/activations.js';
export { renderFieldGrowth } from './figures/field-growth.js';
export { type FilterFigure, renderFilters } from './figures/filters.js';
export { renderHeatmap } from './figures/heatmap.js';
export { renderInput } from './figures/input.js';
export { type PhotoMap, renderOverlay, renderThumbnail } from './figures/overlay.js';
export { renderReceptiveField } from './figures/receptive-field.js';
export { renderScoreMap } from './figures/score-map.js';
export { type FigurePage, normaliseTile } from './figures/tiles.js';
export { drawCrop, prepareCrop } from './image/crop.js';
export { defaultLimits, type ImageInfo, type ImageLimits } from './image/decode.js';
export { drawPhoto, inspectImage, isolateDecoding } from './image/decoding.js';
export { denormalise } from './image/denormalise.js';
export { type ModelInput, prepareImage } from './image/preprocess.js';
export type { LateTask } from './inference/watch-tasks.js';
export {
  digestOf,
  readBundle,
  readVerifiedBundle,
  type StagedModel,
  verifyBundle,
} from './models/bundle.js';
export { describeInput } from './models/check.js';
export type { CheckStep } from './models/check-steps.js';
export { describeFolder, type ModelClaims } from './models/describe.js';
export { endWithParent } from './models/end-with-parent.js';
export {
  checkIsolated,
  describeIsolated,
  drawActivations,
  openIsolated,
  type TrialOptions,
} from './models/isolate-model.js';
export { describeDoubledNames, readClassNames } from './models/labels.js';
export { addModel, possibleDigests, stageBundle } from './models/registry.js';
export { encodeKernels } from './network/kernels.js';
export { findLayer, listLayers } from './network/layers.js';
export { useNetwork } from './network/network.js';
export type { Kernels, Network } from './network/types.js';
export { findUnit } from './network/units.js';
export { boxElsewhere, coverBox, type InputPart, pasteBox } from './occlusion/alter-input.js';
export {
  attribute,
  attributeGrids,
  attributeTargets,
  maskUncovered,
  meanMap,
} from './occlusion/attribution.js';
export { type ClassFinder, createClassFinder } from './occlusion/class-names.js';
export { occludeInput } from './occlusion/occlude-input.js';
export {
  planOcclusion,
  type ResolvedRun,
  type ResolvedSettings,
  type RunLimits,
  resolveRun,
  resolveSettings,
} from './occlusion/resolve-run.js';
export { allowedStrategy } from './occlusion/strategy.js';
export { assertTarget } from './occlusion/targets.js';
export { decodeArrays, decodeScores, type EncodedGrid, joinFloats } from './results/arrays.js';
export { composeResult, type ResultArguments, type ResultFiles } from './results/compose-result.js';
export { type FileMaker, type FileSource, openFileMaker } from './results/make-file.js';
export { type PartialMap, renderPartial } from './results/render-partial.js';
export { type FileEntry, listResultFiles, storedName } from './results/result-files.js';
export { decodeRows, encodeRows } from './results/shard-codec.js';
export type {
  Classification,
  Engine,
  EngineOptions,
  Features,
  IncrementalStop,
  InferencePlan,
  InferenceSegment,
  InferenceStrategy,
  InputStream,
  OccludeOptions,
  OcclusionRun,
  OpenModel,
  OrderAreas,
  OrderOptions,
  RunEstimate,
  ScoreMaps,
} from './types.js';
