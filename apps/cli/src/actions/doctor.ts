import { availableParallelism, totalmem } from 'node:os';
import { inspectTelemetry, probeTfjs } from '@umbra/engine';
import { readCliConfig } from '../lib/config.js';
import { modelFolders } from '../lib/find-model.js';
import { printJson } from '../lib/output.js';
import { telemetryFinding } from '../lib/telemetry-finding.js';

const better: Readonly<Record<string, string>> = {
  '@tensorflow/tfjs-node-gpu': 'npm run setup:tfjs-node -- --gpu',
  '@tensorflow/tfjs-node': 'npm run setup:tfjs-node',
};

/** Print what this machine runs models on. */
export async function doctor(json: boolean): Promise<void> {
  const config = readCliConfig();
  const library = await inspectTelemetry();
  const { version } = library;
  const tfjs = await probeTfjs(config.UMBRA_TFJS);
  const report = {
    node: process.versions.node,
    cores: availableParallelism(),
    memoryBytes: totalmem(),
    onnx: { backend: 'onnxruntime', version, provider: config.UMBRA_PROVIDER },
    tfjs: {
      backend: tfjs.name,
      version: tfjs.version,
      device: tfjs.device,
      refused: tfjs.refused.map((one) => ({ ...one, command: better[one.package] ?? null })),
    },
    telemetry: telemetryFinding(library),
    models: modelFolders(),
  };
  if (json) return printJson(report);
  const lines = [
    `Node.js ${report.node}, ${report.cores} cores, ${(report.memoryBytes / 1024 ** 3).toFixed(0)} GiB`,
    `ONNX: onnxruntime ${version} on ${config.UMBRA_PROVIDER}`,
    `TensorFlow.js: ${tfjs.name} ${tfjs.version} on ${tfjs.device}`,
    ...report.tfjs.refused.map(
      ({ package: name, reason, command }) =>
        `  not ${name}: ${reason}${command === null ? '' : `; to get it: ${command}`}`,
    ),
    `Telemetry: ${report.telemetry.found}`,
    ...(report.telemetry.action === null ? [] : [`  To do: ${report.telemetry.action}`]),
    `Models are looked for in ${report.models.join(' and ')}`,
  ];
  process.stdout.write(`${lines.join('\n')}\n`);
}
