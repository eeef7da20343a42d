import { useMutation, useQueryClient } from '@tanstack/react-query';
import { useIdentity } from '../api/auth.js';
import { type ModelDetail, retryModel } from '../api/models.js';
import { formatBytes, formatTime } from '../lib/format.js';

/** Why a model is not run, and a button for those who may have it run again. */
export function SetAsideNotice({ model: { name, setAside } }: { readonly model: ModelDetail }) {
  const queries = useQueryClient();
  const isAdmin = useIdentity()?.scopes.includes('admin') === true;
  const { mutate, isPending, error } = useMutation({
    mutationFn: () => retryModel(name),
    onSuccess: () => {
      void queries.invalidateQueries({ queryKey: ['model', name] });
      void queries.invalidateQueries({ queryKey: ['models'] });
    },
  });
  if (setAside === null) return null;
  return (
    <section className="card set-aside" role="alert">
      <h2>Set aside since {formatTime(setAside.at)}</h2>
      <p>{setAside.reason}</p>
      <p className="note">
        Its jobs end as failed and new ones are refused
        {isAdmin ? '.' : ', until somebody with a key of scope admin has it run again.'}
      </p>
      {isAdmin && (
        <button type="button" className="button" disabled={isPending} onClick={() => mutate()}>
          Run it again
        </button>
      )}
      {error !== null && <p className="bad">{error.message}</p>}
    </section>
  );
}

/** What a model is, and how photos become its input. */
export function ModelFacts({ model }: { readonly model: ModelDetail }) {
  const { digest, format, input, output, classes, licence, source, bytes } = model;
  const facts = [
    ['Format', `${format}, ${formatBytes(bytes)}`],
    ['Input', `${input.width} × ${input.height} px, ${channelWords[input.channels]}`],
    ['Classes', classes === null ? 'not named' : classes.toLocaleString('en')],
    ['Output', outputWords[output.kind]],
    ['A photo is', resizeWords(input)],
    ['A pixel enters as', pixelWords(input)],
    ['Licence', licence],
    ['Source', source],
  ] as const;
  return (
    <section className="card model-facts" aria-label="Facts">
      <dl>
        {facts.map(([term, words]) => (
          <div key={term}>
            <dt>{term}</dt>
            <dd>{words}</dd>
          </div>
        ))}
        <div>
          <dt>Digest</dt>
          <dd className="id">{digest}</dd>
        </div>
      </dl>
    </section>
  );
}

type InputRule = ModelDetail['input'];

const channelWords: Readonly<Record<InputRule['channels'], string>> = {
  RGB: 'in colour (RGB)',
  BGR: 'in colour (BGR)',
  L: 'grey',
};

const outputWords: Readonly<Record<ModelDetail['output']['kind'], string>> = {
  logits: 'scores of exclusive classes (logits)',
  probabilities: 'probabilities of exclusive classes',
  'independent-logits': 'scores of independent classes (logits)',
  'independent-probabilities': 'probabilities of independent classes',
};

function resizeWords({ resize, width, height, interpolation }: InputRule): string {
  const how = `(${interpolation})`;
  if (resize.rule === 'squash') return `squashed to ${width} × ${height} px ${how}`;
  const shrunk = `resized to ${resize.shorterSide} px at its shorter side ${how}`;
  return resize.rule === 'fit'
    ? `${shrunk}, and seen whole`
    : `${shrunk}, and the middle ${width} × ${height} px of it are seen`;
}

/** `(p / 255 − mean) / std`, with the numbers. */
function pixelWords({ scale, mean, std }: InputRule): string {
  const list = (values: readonly number[]) => values.map(formatShort).join(', ');
  const inverse = 1 / scale;
  const isInverse = inverse > 1 && Math.abs(inverse - Math.round(inverse)) < 1e-6;
  const scaled = isInverse
    ? `p / ${Math.round(inverse)}`
    : scale === 1
      ? 'p'
      : `${formatShort(scale)} p`;
  return `(${scaled} − mean) / std, mean ${list(mean)}, std ${list(std)}`;
}

const formatShort = (value: number): string => String(Number(value.toPrecision(6)));
