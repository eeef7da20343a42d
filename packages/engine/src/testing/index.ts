export { hugePng } from './huge-png.js';
export { type TinyOptions, writeTinyBundle } from './tiny-bundle.js';
