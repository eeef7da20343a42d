export { decodeCells, encodeCells } from './cells.js';
export { describeImage, type ImageArguments } from './describe-image.js';
export { type FlipEvidence, type ImageEvidence, latticeSide, type NamedClass } from './evidence.js';
export { decodeEvidence, encodeEvidence } from './evidence-codec.js';
