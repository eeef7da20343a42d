import type { JobStatus } from '@umbra/shared/contracts/job';
import type { OcclusionSettings } from '@umbra/shared/contracts/settings';
import type { ImageOfJob } from '../api/images.js';

export type Snippet = { readonly name: 'curl' | 'CLI' | 'Python'; readonly text: string };

export type SnippetArguments = {
  /** Address of the service, without a path. */
  readonly origin: string;
  readonly of: ImageOfJob;
  readonly job: Pick<JobStatus, 'model' | 'settings'>;
  /** The photo's name. */
  readonly name: string;
  /** File of the scores that are shown. */
  readonly scores: string;
  /** Whether the service asks for a key. */
  readonly hasKey: boolean;
};

/** What to type elsewhere to get what is shown. */
export function snippetsOf(given: SnippetArguments): readonly Snippet[] {
  return [
    { name: 'curl', text: curl(given) },
    { name: 'CLI', text: cli(given) },
    { name: 'Python', text: python(given) },
  ];
}

const urlOf = ({ origin, of, scores }: SnippetArguments): string =>
  `${origin}/v1/jobs/${of.job}/images/${of.image}/${scores}`;

function curl(given: SnippetArguments): string {
  const header = given.hasKey ? ' -H "Authorization: Bearer $UMBRA_API_KEY"' : '';
  return `curl --fail --remote-name${header} ${urlOf(given)}`;
}

function cli({ job, name }: SnippetArguments): string {
  const flags = [`--model ${quote(job.model.name)}`, ...settingsFlags(job.settings)];
  return `umbra explain ${quote(name)} ${[...flags, '--out results'].join(' ')}`;
}

/** A run's settings as flags of the CLI; what is as by default is left out, but not the patch and the stride. */
export function settingsFlags(settings: OcclusionSettings): readonly string[] {
  const { patch, stride, edge, fill, target, score, strategy, allowGaps } = settings;
  const { refine, faithfulness } = settings;
  const patches = 'height' in patch ? [patch] : patch;
  const given: readonly (readonly [string, boolean])[] = [
    [`--patch ${patches.map(({ height, width }) => `${height}x${width}`).join(',')}`, true],
    [`--stride ${stride.y}x${stride.x}`, true],
    [`--edge ${edge}`, edge !== 'clip'],
    [`--fill ${fillText(fill)}`, fillText(fill) !== '0'],
    [`--target ${quote(targetText(target))}`, target.kind !== 'predicted'],
    [`--score ${score}`, score !== 'probability'],
    [`--strategy ${strategy}`, strategy !== 'auto'],
    [`--refine-every ${refine?.every} --refine-share ${refine?.share}`, refine !== null],
    [`--faithfulness-steps ${faithfulness?.steps}`, faithfulness !== null],
    ['--allow-gaps', allowGaps],
  ];
  return given.filter(([, isGiven]) => isGiven).map(([flag]) => flag);
}

/** A fill as flags and addresses write it. */
export function fillText(fill: OcclusionSettings['fill']): string {
  if (fill.kind === 'constant') return `${fill.space === 'pixel' ? 'pixel:' : ''}${fill.value}`;
  if (fill.kind === 'blur') return `blur:${fill.sigma}`;
  return fill.kind === 'noise' ? `noise:${fill.seed}` : fill.kind;
}

/** A target as the CLI takes it. */
export function targetText(target: OcclusionSettings['target']): string {
  if (target.kind === 'top') return `top:${target.k}`;
  if (target.kind !== 'class') return target.kind;
  return 'name' in target ? target.name : String(target.index);
}

function python(given: SnippetArguments): string {
  const request = given.hasKey
    ? [
        'request = Request(url, headers={"Authorization": f"Bearer {os.environ[\'UMBRA_API_KEY\']}"})',
        'scores = np.load(io.BytesIO(urlopen(request).read()))',
      ]
    : ['scores = np.load(io.BytesIO(urlopen(url).read()))'];
  return [
    given.hasKey ? 'import io, os' : 'import io',
    `from urllib.request import ${given.hasKey ? 'Request, urlopen' : 'urlopen'}`,
    'import numpy as np',
    '',
    `url = "${urlOf(given)}"`,
    ...request,
    'print(scores.shape, scores.min())',
  ].join('\n');
}

/** As a shell takes it, whatever is in it. */
const quote = (text: string): string =>
  /^[\w./:-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`;
