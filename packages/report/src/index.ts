export { type FlipEvidence, type ImageEvidence, latticeSide, type NamedClass } from './evidence.js';
