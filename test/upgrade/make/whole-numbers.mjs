// Models and photos whose arithmetic is exact: every sum is a whole number of some power of two that
// float32 holds, so that no machine, library or order of summing rounds anything.

const classes = 5;
const names = Array.from({ length: classes }, (_, index) => `kind ${index}`);

/** Whole numbers that depend on their index alone: the 32-bit finaliser of MurmurHash3. */
const mix = (/** @type {number} */ index) => {
  let bits = index + 1;
  bits = Math.imul(bits ^ (bits >>> 16), 0x85ebca6b);
  bits = Math.imul(bits ^ (bits >>> 13), 0xc2b2ae35);
  return (bits ^ (bits >>> 16)) >>> 0;
};

/**
 * Weights of -1, 0 and 1, times a unit.
 *
 * @param {readonly number[]} shape
 * @param {number} salt
 */
const weights = (shape, salt, unit = 1) =>
  Array.from(
    { length: shape.reduce((product, extent) => product * extent, 1) },
    (_, index) => unit * ((mix(index + salt * 10_007) % 3) - 1),
  );

/** Pixels are multiples of 16, and enter as whole numbers from 0 to 15. */
const input = { scale: 1 / 16, mean: [0, 0, 0], std: [1, 1, 1] };

/**
 * Two strided convolutions, global pooling, one dense layer.
 *
 * @param {any} testing `@umbra/engine/testing`
 * @param {string} folder
 * @returns {Promise<string>} the bundle's folder
 */
export function writeOnnxModel(testing, folder) {
  const channels = 8;
  const attributes = [
    { name: 'kernel_shape', ints: [3, 3] },
    { name: 'strides', ints: [2, 2] },
    { name: 'pads', ints: [1, 1, 1, 1] },
  ];
  const weight = (
    /** @type {string} */ name,
    /** @type {number[]} */ shape,
    salt = 1,
    unit = 1,
  ) => ({
    ...{ name, shape, values: weights(shape, salt, unit) },
  });
  const onnx = testing.encodeOnnx({
    nodes: [
      { op: 'Conv', inputs: ['input', 'w1'], output: 'c1', attributes },
      { op: 'Relu', inputs: ['c1'], output: 'r1' },
      { op: 'Conv', inputs: ['r1', 'w2'], output: 'c2', attributes },
      { op: 'Relu', inputs: ['c2'], output: 'r2' },
      { op: 'GlobalAveragePool', inputs: ['r2'], output: 'pooled' },
      { op: 'Flatten', inputs: ['pooled'], output: 'flat' },
      { op: 'Gemm', inputs: ['flat', 'w3'], output: 'logits' },
    ],
    weights: [
      weight('w1', [channels, 3, 3, 3], 1),
      weight('w2', [channels, channels, 3, 3], 2),
      weight('w3', [channels, classes], 3, 1 / 64),
    ],
    input: { name: 'input', shape: ['N', 3, 'H', 'W'] },
    output: { name: 'logits', shape: ['N', classes] },
  });
  return testing.writeTinyBundle(folder, { name: 'whole', labels: names, onnx, input });
}

/**
 * One convolution and a dense layer, as TensorFlow.js saves them.
 *
 * @param {any} testing `@umbra/engine/testing`
 * @param {string} folder
 * @returns {Promise<string>} the bundle's folder
 */
export function writeTfjsModel(testing, folder) {
  const conv = {
    ...{ name: 'conv', batch_input_shape: [null, 32, 32, 3], filters: 4, kernel_size: [3, 3] },
    ...{ strides: [2, 2], padding: 'same', activation: 'relu', use_bias: false },
  };
  const layers = [
    { class_name: 'Conv2D', config: conv },
    { class_name: 'GlobalAveragePooling2D', config: { name: 'pool' } },
    { class_name: 'Dense', config: { name: 'dense', units: 3, use_bias: false } },
  ];
  const model_config = { class_name: 'Sequential', config: { name: 'whole', layers } };
  const network = {
    format: 'layers-model',
    topology: { model_config },
    weights: [
      { name: 'conv/kernel', shape: [3, 3, 3, 4], values: weights([3, 3, 3, 4], 4) },
      { name: 'dense/kernel', shape: [4, 3], values: weights([4, 3], 5, 1 / 16) },
    ],
  };
  return testing.writeTfjsBundle(folder, network, { name: 'whole-tfjs', input });
}

const width = 32;
const height = 36;

/**
 * Blocks of 8 px in colours of their own; somewhat taller than the models' input, which is cut out of
 * them without resizing.
 *
 * @param {any} sharp
 * @param {number} index
 * @returns {Promise<{ name: string, bytes: Buffer }>}
 */
export async function drawPhoto(sharp, index) {
  const pixels = Buffer.alloc(width * height * 3);
  for (const at of pixels.keys()) {
    const [x, y] = [Math.floor(at / 3) % width, Math.floor(at / 3 / width)];
    const block = index * 1000 + (y >> 3) * 100 + (x >> 3) * 10 + (at % 3);
    pixels[at] = 16 * (mix(block) % 16);
  }
  const raw = { width, height, channels: 3 };
  return { name: `photo-${index}.png`, bytes: await sharp(pixels, { raw }).png().toBuffer() };
}
