import type { Command } from 'commander';
import type { AddModelOptions, CheckModelOptions } from '../actions/models.js';
import type { UploadModelOptions } from '../actions/upload-model.js';
import { addOptions, createCommand } from '../lib/command.js';
import { deadlineOption, descriptionOptions, jsonOption, serviceOptions } from '../lib/options.js';
import type { ServiceFlags } from '../lib/service.js';

export function modelsCommand(): Command {
  return createCommand('models', {
    summary: 'add, list and check models on this machine, and those of a service',
    examples: ['umbra models list', 'umbra models add my-models/mine'],
  })
    .addCommand(addCommand())
    .addCommand(listCommand())
    .addCommand(checkCommand())
    .addCommand(uploadCommand())
    .addCommand(deleteCommand())
    .addCommand(retryCommand());
}

function addCommand(): Command {
  const command = createCommand('add', {
    summary: 'copy a model, verified, to where --model finds it by name',
    details:
      'A model without bundle.json (ONNX, or TensorFlow.js) needs --scale, and whatever else its file does not say.',
    examples: [
      'umbra models add my-models/mine',
      'umbra models add net.onnx --input 224x224 --scale 1/255 --mean 0.5,0.5,0.5 --std 0.25,0.25,0.25 --output logits',
    ],
  })
    .argument('<model>', 'folder of a bundle, or file or folder of a model')
    .option('--name <name>', 'name to add it by')
    .option('--replace', 'replace a model of this name')
    .addOption(deadlineOption());
  addOptions(command, descriptionOptions(), 'Model without bundle.json:');
  return command.action(async (model: string, options: AddModelOptions) => {
    const { addToRegistry } = await import('../actions/models.js');
    await addToRegistry(model, options);
  });
}

const listCommand = (): Command =>
  createCommand('list', {
    summary: 'list the models that --model finds by name',
    examples: ['umbra models list', 'umbra models list --json'],
  })
    .addOption(jsonOption())
    .action(async (options: { json?: boolean }) => {
      const { listModels } = await import('../actions/models.js');
      await listModels(options.json === true);
    });

const checkCommand = (): Command =>
  createCommand('check', {
    summary: 'check digests, labels, a forward pass, and that every strategy gives the same',
    details:
      'The network runs in a process of its own: one that ends it, or does not end by the deadline, fails that step.',
    examples: [
      'umbra models check efficientnet-lite0',
      'umbra models check my-models/mine --deadline 60',
    ],
  })
    .argument('<model>', 'name or folder of a model')
    .addOption(deadlineOption())
    .addOption(jsonOption())
    .action(async (model: string, options: CheckModelOptions) => {
      const { checkInRegistry } = await import('../actions/models.js');
      await checkInRegistry(model, options);
    });

function uploadCommand(): Command {
  const command = createCommand('upload', {
    summary: 'give an ONNX model to a service, for its tenant alone',
    details:
      'It is checked before it is there. Needs a key of scope admin, and a file that holds its weights. The options say what the file does not, as of `models add`. A model of the name is replaced; its jobs keep the one that they were made with.',
    examples: [
      'umbra models upload net.onnx --name mine --input 224x224 --scale 1/255 --output logits --api https://umbra.example.org',
    ],
  })
    .argument('<file>', 'the ONNX file')
    .requiredOption('--name <name>', 'name that jobs call it by');
  const known = descriptionOptions().filter(({ long }) => long !== '--format');
  addOptions(command, known, 'Model:');
  addOptions(command, serviceOptions(), 'Service:');
  return command.action(async (file: string, options: UploadModelOptions) => {
    const { uploadModel } = await import('../actions/upload-model.js');
    await uploadModel(file, options);
  });
}

function deleteCommand(): Command {
  const command = createCommand('delete', {
    summary: 'delete a model of a service that was uploaded, with all of its versions',
    details: 'Needs a key of scope admin. Results of its jobs stay.',
    examples: ['umbra models delete mine --api https://umbra.example.org'],
  }).argument('<model>', 'name of the model in the service');
  addOptions(command, serviceOptions(), 'Service:');
  return command.action(async (model: string, options: ServiceFlags) => {
    const { deleteModel } = await import('../actions/upload-model.js');
    await deleteModel(model, options);
  });
}

function retryCommand(): Command {
  const command = createCommand('retry', {
    summary: 'run a model of a service again that was set aside',
    details:
      'A model is set aside when the processes that run it end at several images one after another.',
    examples: ['umbra models retry efficientnet-lite0 --api https://umbra.example.org'],
  }).argument('<model>', 'name of the model in the service');
  addOptions(command, serviceOptions(), 'Service:');
  return command.action(async (model: string, options: ServiceFlags) => {
    const { retryModel } = await import('../actions/retry-model.js');
    await retryModel(model, options);
  });
}
