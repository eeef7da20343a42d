import type { ModelBundle } from '@umbra/shared/contracts/model';
import { readTfjsModel } from '../convert/model-file.js';
import type { ReadFacts } from './facts.js';

/** Read a TensorFlow.js model's facts. @throws {AppError} `integrity` if it is none. */
export const readTfjsFacts: ReadFacts = async (folder, file) => {
  const { topology, json, shards } = await readTfjsModel(folder, file);
  const isGraph = json.format === 'graph-model' || 'node' in topology;
  const text = JSON.stringify(topology);
  // The first shape in the file is the input's, in either form.
  const [, height = null, width = null] = isGraph ? graphInput(topology) : layersInput(text);
  return {
    format: isGraph ? 'tfjs-graph' : 'tfjs-layers',
    model: file,
    files: [file, ...shards],
    layout: 'NHWC',
    height,
    width,
    output: isGraph ? null : lastActivation(text),
  };
};

function layersInput(text: string): (number | null)[] {
  const shape = /"batch(?:_input)?_shape":(\[[^\]]*\])/.exec(text)?.[1];
  return shape === undefined ? [] : (JSON.parse(shape) as (number | null)[]);
}

/** A node of TensorFlow's GraphDef that may declare a shape. */
type ShapedNode = {
  readonly op: string;
  readonly attr?: {
    readonly shape?: { readonly shape?: { readonly dim?: { readonly size?: string | number }[] } };
  };
};

function graphInput({ node }: Readonly<Record<string, unknown>>): (number | null)[] {
  const input = (node as readonly ShapedNode[]).find(({ op }) => op === 'Placeholder');
  const { dim = [] } = input?.attr?.shape?.shape ?? {};
  return dim.map(({ size }) => (Number(size) > 0 ? Number(size) : null));
}

/** Unit of the scores by the last activation; null after a sigmoid, whose scores are neither. */
function lastActivation(text: string): ModelBundle['output'] | null {
  const last = [...text.matchAll(/"activation":"(\w+)"|"class_name":"(Softmax)"/g)].at(-1);
  const name = last?.[1] ?? last?.[2]?.toLowerCase();
  if (name === 'softmax') return 'probabilities';
  return name === 'sigmoid' ? null : 'logits';
}
