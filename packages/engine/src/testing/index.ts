export { endlessNetwork } from './endless-network.js';
export { endlessOnBright } from './endless-on-bright.js';
export { hugePng } from './huge-png.js';
export { alexNetFeatures, chainNetwork } from './known-networks.js';
export { plantedNetwork } from './planted-network.js';
export { slowNetwork } from './slow-network.js';
export { type TinyOptions, tinyNetwork, writeTinyBundle } from './tiny-bundle.js';
export { encodeHead, encodeOnnx, type Network } from './tiny-onnx.js';
export { type TfjsArtifacts, writeTfjsBundle } from './tiny-tfjs.js';
