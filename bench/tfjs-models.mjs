// Layers models of known shape with seeded random weights, which run as fast as trained ones.
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { writeTfjsBundle } from '@umbra/engine/testing';

const size = 224;
const classes = 1000;

/** @typedef {{ class_name: string, config: Record<string, unknown> }} Layer */
/** @typedef {{ name: string, shape: number[], deviation: number }} Weight */

class GraphBuilder {
  /** @type {Layer[]} */
  layers = [];
  /** @type {Weight[]} */
  weights = [];
  channels = 3;

  /** @param {string} kind @param {Record<string, unknown>} [config] */
  add(kind, config = {}) {
    const name = `${kind.toLowerCase()}_${this.layers.length}`;
    const input = this.layers.length === 0 ? { batch_input_shape: [null, size, size, 3] } : {};
    this.layers.push({ class_name: kind, config: { name, ...input, ...config } });
    return name;
  }

  /** @param {string} name @param {number[]} shape @param {number} fanIn */
  weigh(name, shape, fanIn) {
    this.weights.push({ name, shape, deviation: Math.sqrt(6 / fanIn) });
  }

  /** @param {number} filters @param {number} [kernel] @param {number} [stride] */
  conv(filters, kernel = 3, stride = 1) {
    const shape = { kernel_size: [kernel, kernel], strides: [stride, stride], padding: 'same' };
    const name = this.add('Conv2D', { filters, ...shape, activation: 'relu' });
    this.weigh(
      `${name}/kernel`,
      [kernel, kernel, this.channels, filters],
      kernel * kernel * this.channels,
    );
    this.weigh(`${name}/bias`, [filters], 1e6);
    this.channels = filters;
  }

  /** @param {number} stride */
  depthwise(stride) {
    const shape = { kernel_size: [3, 3], strides: [stride, stride], padding: 'same' };
    const name = this.add('DepthwiseConv2D', { ...shape, depth_multiplier: 1, activation: 'relu' });
    this.weigh(`${name}/depthwise_kernel`, [3, 3, this.channels, 1], 9);
    this.weigh(`${name}/bias`, [this.channels], 1e6);
  }

  /** @param {number} inputs @param {number} units @param {string} activation */
  dense(inputs, units, activation) {
    const name = this.add('Dense', { units, activation });
    this.weigh(`${name}/kernel`, [inputs, units], inputs);
    this.weigh(`${name}/bias`, [units], 1e6);
  }
}

/** @type {Record<string, (builder: GraphBuilder) => void>} */
const networks = {
  vgg16(builder) {
    for (const [depth, filters] of [
      [2, 64],
      [2, 128],
      [3, 256],
      [3, 512],
      [3, 512],
    ]) {
      for (let at = 0; at < (depth ?? 0); at++) builder.conv(filters ?? 0);
      builder.add('MaxPooling2D', { pool_size: [2, 2], strides: [2, 2], padding: 'valid' });
    }
    builder.add('Flatten');
    builder.dense(7 * 7 * 512, 4096, 'relu');
    builder.dense(4096, 4096, 'relu');
    builder.dense(4096, classes, 'linear');
  },
  mobilenet(builder) {
    builder.conv(32, 3, 2);
    for (const [filters, stride] of [
      [64, 1],
      [128, 2],
      [128, 1],
      [256, 2],
      [256, 1],
      [512, 2],
      [512, 1],
      [512, 1],
      [512, 1],
      [512, 1],
      [512, 1],
      [1024, 2],
      [1024, 1],
    ]) {
      builder.depthwise(stride ?? 1);
      builder.conv(filters ?? 0, 1);
    }
    builder.add('GlobalAveragePooling2D');
    builder.dense(1024, classes, 'linear');
  },
};

/** @param {string} cache @param {string} name @returns {Promise<string>} the bundle's folder */
export async function findTfjsBundle(cache, name) {
  const bundle = `tfjs-${name}`;
  const folder = join(cache, bundle);
  if (existsSync(join(folder, 'bundle.json'))) return folder;
  const builder = new GraphBuilder();
  networks[name]?.(builder);
  const config = { name, layers: builder.layers };
  const topology = { model_config: { class_name: 'Sequential', config } };
  const weights = builder.weights.map(({ deviation, ...weight }) => ({
    ...weight,
    values: randomValues(weight.shape, deviation),
  }));
  const artifacts = { format: /** @type {const} */ ('layers-model'), topology, weights };
  return writeTfjsBundle(cache, artifacts, { name: bundle, size });
}

let state = 1;
/** @param {number[]} shape @param {number} deviation */
function randomValues(shape, deviation) {
  const values = new Float32Array(shape.reduce((product, extent) => product * extent, 1));
  for (let at = 0; at < values.length; at++) {
    state = (Math.imul(state, 1664525) + 1013904223) | 0;
    values[at] = (state / 2 ** 31) * deviation;
  }
  return values;
}
