export * from './engine.js';
export { defaultLimits, type ImageInfo, type ImageLimits, inspectImage } from './image/decode.js';
export { type Frame, inputSize, planFrame } from './image/frame.js';
export { type ModelInput, prepareImage } from './image/preprocess.js';
export { attribute } from './occlusion/attribution.js';
export { targetIndex } from './occlusion/scores.js';
export { composeResult, type ResultArguments } from './views/compose.js';
export { decodeFloats, encodeFloats, encodeNpy } from './views/npy.js';
