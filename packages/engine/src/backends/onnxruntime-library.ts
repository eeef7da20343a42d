/** The only import of onnxruntime's library: what goes before it must. */
import './no-telemetry.js';

export { InferenceSession, Tensor } from 'onnxruntime-node';
