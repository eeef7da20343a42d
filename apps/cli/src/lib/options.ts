// Options that several commands take: written once, and parsed by the module that each names. None of
// those is imported here, since `--help` lists options and parses none.
import { Option } from 'commander';

/** Options of an occlusion run; `settings-flags.ts` parses them. */
export const settingsOptions = (): readonly Option[] => [
  new Option('--preset <name>', "article: the founding article's edge, fill and score"),
  new Option(
    '--patch <size>',
    'patch, px: 32, or height x width as 48x64; several, separated by commas, give a map each and their mean (default: 32)',
  ),
  new Option('--stride <step>', 'step, px: 16, or vertical x horizontal as 8x16 (default: 16)'),
  new Option('--edge <rule>', 'clip, valid or article (default: clip)'),
  new Option(
    '--fill <fill>',
    'what is written: NUMBER in normalised units, pixel:NUMBER in [0, 1], mean, dataset-mean, blur:PX or noise:SEED (default: 0)',
  ),
  new Option(
    '--target <class>',
    'predicted, top:K, label, an index or a class name (default: predicted)',
  ),
  new Option('--score <unit>', 'probability, logit or log-odds (default: probability)'),
  new Option('--strategy <strategy>', 'auto, dense or incremental (default: auto)'),
  new Option('--refine', 'approximate: a coarse lattice, then the positions where scores vary'),
  new Option('--refine-every <n>', 'one position in N first (default: 5)'),
  new Option('--refine-share <share>', 'largest share of all positions (default: 0.25)'),
  new Option('--faithfulness', 'measure deletion and insertion too'),
  new Option('--faithfulness-steps <n>', 'steps of each curve (default: 50)'),
  new Option('--allow-gaps', 'accept a stride beyond the patch'),
];

/** Which files are kept; `outputs-flag.ts` parses it. */
export const outputsOption = (fallback: string): Option =>
  new Option(
    '--outputs <kinds>',
    `files to keep: all, or some of heatmap, overlay, thumbnail and attribution, separated by commas; result.json, scores and predicted-classes always are (default: ${fallback})`,
  );

/** Options of commands that run the engine here; `engine-flags.ts` parses them. */
export const engineOptions = (): readonly Option[] => [
  new Option(
    '--inference-threads <n>',
    'models run side by side, one core each (default: all cores)',
  ),
  new Option(
    '--session-threads <n>',
    'threads of each inference session (default: 1; more where a large model leaves cores free)',
  ),
  new Option('--provider <provider>', 'cpu, cuda or webgpu (default: cpu)'),
];

/** Options of commands that call a service; `service.ts` reads them. */
export const serviceOptions = (): readonly Option[] => [
  new Option(
    '--api <url>',
    "address of the service (default: UMBRA_API_URL, that of 'umbra login', or http://127.0.0.1:8080)",
  ),
  new Option(
    '--key-file <file>',
    "file that holds the API key (default: UMBRA_API_KEY, or that of 'umbra login')",
  ),
];

/** Options of commands that follow a job; `service.ts` reads them. */
export const patientOptions = (): readonly Option[] => [
  ...serviceOptions(),
  new Option(
    '--patience <seconds>',
    'time without an answer after which a service that answered before is given up (default: 600)',
  ),
];

export const modelOption = (): Option =>
  new Option('--model <model>', "name that 'umbra models list' prints, or folder").default(
    'efficientnet-lite0',
  );

export const layerOption = (): Option =>
  new Option(
    '--layer <layer>',
    "name or index that 'umbra layers' prints, conv:N or features:N (required)",
  );

export const tileOptions = (): readonly Option[] => [
  new Option('--cell <px>', 'side of one value, px (default: what suits)'),
  new Option('--page <n>', 'page of a layer with many tiles (default: 1)'),
];

export const outOption = (): Option => new Option('--out <file>', 'PNG file to write (required)');

/** An option that may be given several times. */
export const repeated = (flags: string, description: string): Option =>
  new Option(flags, description).argParser(
    (value: string, before: readonly string[] = []): readonly string[] => [...before, value],
  );

export const jsonOption = (): Option => new Option('--json', 'print one JSON object on stdout');

export const jsonLinesOption = (): Option =>
  new Option('--json', 'print JSON Lines on stdout, an object a line');

/** Limit for a check of a model, which runs its network; `models.ts` parses it. */
export const deadlineOption = (): Option =>
  new Option('--deadline <seconds>', 'time that checking the model may take, s').default('300');

export const sizeOption = (): Option =>
  new Option(
    '--size <size>',
    "HEIGHTxWIDTH of the input, px, where the model takes any (default: the model's)",
  );

/** What a model's own file may not say; `umbra models add` describes it. */
export const descriptionOptions = (): readonly Option[] => [
  new Option('--input <size>', 'HEIGHTxWIDTH of the input, px'),
  new Option('--scale <scale>', 'factor of pixel values in [0, 255], as 1/255'),
  new Option('--mean <values>', 'mean of each channel after scaling, separated by commas'),
  new Option('--std <values>', 'standard deviation of each channel, separated by commas'),
  new Option(
    '--output <kind>',
    'logits or probabilities (one class excludes the others), independent-logits or independent-probabilities (a sigmoid each)',
  ),
  new Option('--output-name <name>', 'output that holds the scores, where the file has several'),
  new Option('--positive <name>', 'class that a single score speaks for'),
  new Option('--negative <name>', "its opposite (default: 'not' and its name)"),
  new Option(
    '--threshold <probability>',
    'an independent class is present from it on (default: 0.5)',
  ),
  new Option('--labels <file>', 'names of the classes: JSON, or a line a class'),
  new Option('--layout <layout>', 'NCHW or NHWC'),
  new Option('--channels <order>', 'RGB, BGR or L (grey)'),
  new Option('--resize <rule>', 'crop:PX, fit:PX or squash'),
  new Option('--interpolation <kernel>', 'bilinear or bicubic'),
  new Option('--format <format>', 'format of the model (default: what the file is)'),
  new Option('--licence <licence>', 'licence of the weights'),
  new Option('--source <source>', 'where the weights come from'),
];
