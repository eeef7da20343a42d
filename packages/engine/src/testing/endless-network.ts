import { onnxType } from '../graph/onnx-proto.js';
import { tinyNetwork } from './tiny-bundle.js';
import type { Network } from './tiny-onnx.js';

/** The network of a tiny bundle, with a loop at its end that goes on for ever. */
export function endlessNetwork(classes = 5): Network {
  const { nodes, weights, ...ports } = tinyNetwork(classes);
  const body: Network = {
    nodes: [
      { op: 'Identity', inputs: ['goes_on'], output: 'goes_on_still' },
      { op: 'Relu', inputs: ['row'], output: 'next_row' },
    ],
    weights: [],
    // The order is the operation's: the number of the round, whether it is to go on, what is handed on.
    input: { name: 'round', shape: [], type: onnxType.int64 },
    otherInputs: [
      { name: 'goes_on', shape: [], type: onnxType.bool },
      { name: 'row', shape: ['N', classes] },
    ],
    otherOutputs: [{ name: 'goes_on_still', shape: [], type: onnxType.bool }],
    output: { name: 'next_row', shape: ['N', classes] },
  };
  return {
    ...ports,
    nodes: [
      ...nodes,
      {
        op: 'Loop',
        inputs: ['', 'yes', 'logits'],
        output: 'scores',
        attributes: [{ name: 'body', graph: body }],
      },
    ],
    weights: [...weights, { name: 'yes', shape: [], values: [1], bool: true }],
    output: { name: 'scores', shape: ['N', classes] },
  };
}
