import { onnxType } from '../graph/onnx-proto.js';
import { tinyNetwork } from './tiny-bundle.js';
import type { Network } from './tiny-onnx.js';

/** Mean of a batch's numbers beyond which the network does not end; white is 2, as tiny bundles scale it. */
const maxMean = 1.5;

/** A network that never ends on bright photos, and on all others gives what `tinyNetwork` gives. */
export function endlessOnBright(): Network {
  const { nodes, weights, ...ports } = tinyNetwork();
  const body: Network = {
    nodes: [
      { op: 'Identity', inputs: ['goes_on'], output: 'goes_on_still' },
      { op: 'Identity', inputs: ['value'], output: 'same_value' },
    ],
    weights: [],
    // The order is the operation's: the number of the round, whether it is to go on, what is handed on.
    input: { name: 'round', shape: [], type: onnxType.int64 },
    otherInputs: [
      { name: 'goes_on', shape: [], type: onnxType.bool },
      { name: 'value', shape: [] },
    ],
    otherOutputs: [{ name: 'goes_on_still', shape: [], type: onnxType.bool }],
    output: { name: 'same_value', shape: [] },
  };
  return {
    ...ports,
    nodes: [
      ...nodes.slice(0, -1),
      { op: 'Gemm', inputs: ['flat', 'w3'], output: 'row' },
      {
        op: 'ReduceMean',
        inputs: ['input'],
        output: 'mean',
        attributes: [{ name: 'keepdims', int: 0 }],
      },
      { op: 'Greater', inputs: ['mean', 'max_mean'], output: 'is_bright' },
      {
        op: 'Loop',
        inputs: ['', 'is_bright', 'mean'],
        output: 'looped',
        attributes: [{ name: 'body', graph: body }],
      },
      { op: 'Mul', inputs: ['looped', 'nothing'], output: 'zero' },
      { op: 'Add', inputs: ['row', 'zero'], output: 'logits' },
    ],
    weights: [
      ...weights,
      { name: 'max_mean', shape: [], values: [maxMean] },
      { name: 'nothing', shape: [], values: [0] },
    ],
  };
}
