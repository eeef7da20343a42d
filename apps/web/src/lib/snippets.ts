import type { JobStatus } from '@umbra/shared/contracts/job';
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
  const { patch, stride, edge, score } = job.settings;
  const patches = ('height' in patch ? [patch] : patch).map(
    ({ height, width }) => `--patch ${height}x${width}`,
  );
  const flags = [
    `--model ${job.model.name}`,
    ...patches,
    `--stride ${stride.y}x${stride.x}`,
    ...(edge === 'clip' ? [] : [`--edge ${edge}`]),
    ...(score === 'probability' ? [] : [`--score ${score}`]),
    '--out results',
  ];
  return `umbra explain ${quote(name)} ${flags.join(' ')}`;
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
  /^[\w./-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`;
