import { readTfjsModel } from '../convert/model-file.js';
import { isGraphModel, outputsOf } from '../convert/tfjs-outputs.js';
import { type ReadFacts, readInputShape } from './facts.js';

/** Read a TensorFlow.js model's facts. @throws {AppError} `integrity` if it is none. */
export const readTfjsFacts: ReadFacts = async (folder, file) => {
  const model = await readTfjsModel(folder, file);
  const { topology, shards } = model;
  const isGraph = isGraphModel(model);
  const text = JSON.stringify(topology);
  // The first shape in the file is the input's, in either form.
  const shape = isGraph ? graphInput(topology) : layersInput(text);
  return {
    format: isGraph ? 'tfjs-graph' : 'tfjs-layers',
    model: file,
    files: [file, ...shards],
    ...readInputShape(shape, ['NHWC']),
    layout: 'NHWC',
    scale: null,
    batch: null,
    outputs: outputsOf(model),
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
