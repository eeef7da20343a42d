// `node measure-memory.js BUNDLE STRATEGY BUDGET`: prints by how many bytes a run lets the process grow.
import { occlusionSettings } from '@umbra/shared/contracts/settings';
import { openEngine } from '../engine.js';

const [folder = '', strategy, budget] = process.argv.slice(2);
const engine = openEngine({ inferenceThreads: 2, batchBytes: Number(budget) });
const model = await engine.open(folder);
const { height, width } = model.bundle.input;
const size = { height, width };
const crop = { top: 0, left: 0, bottom: height, right: width };
const input = {
  ...size,
  tensor: Float32Array.from({ length: 3 * height * width }, (_, at) => Math.sin(at)),
  frame: { photo: size, resized: size, crop },
};
const settings = occlusionSettings.parse({ patch: 32, stride: 32, strategy });
const before = process.memoryUsage.rss();
await model.occlude(input, model.resolve(settings, input));
// In kilobytes, on every system.
process.stdout.write(`${process.resourceUsage().maxRSS * 1024 - before}\n`);
await engine.close();
