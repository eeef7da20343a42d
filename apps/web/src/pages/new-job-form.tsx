import { useQuery } from '@tanstack/react-query';
import { type ReactNode, useId } from 'react';
import { type Dataset, listDatasets } from '../api/datasets.js';
import type { ListedModel } from '../api/models.js';
import { formatCount, formatTime } from '../lib/format.js';
import {
  type FieldErrors,
  type FormField,
  type JobForm,
  parseFill,
  parseTarget,
} from '../lib/job-form.js';
import { Flag, Pick } from '../parts/choices.js';
import { FieldError, TextField } from '../parts/text-field.js';

export type NewJobFormProps = {
  readonly form: JobForm;
  readonly models: readonly ListedModel[];
  readonly errors: FieldErrors;
  readonly change: (change: Partial<JobForm>) => void;
};

/** What a job is asked for, by fields that each say what is wrong with them. */
export function NewJobForm(props: NewJobFormProps) {
  const { form, errors, change } = props;
  const text = (name: FormField) => ({
    value: form[name],
    error: errors[name],
    onChange: (value: string) => change({ [name]: value }),
  });
  return (
    <>
      <Card title="What is explained">
        <DatasetPick {...props} />
        <ModelPick {...props} />
      </Card>
      <Card title="The patch">
        <div className="pair">
          <TextField {...text('patch')} label="Patch, px" placeholder="32" />
          <TextField {...text('stride')} label="Stride, px" placeholder="16" />
        </div>
        <p className="note">
          Of the model's input: <code>24x32</code> is height x width, <code>16,32</code> are two
          sizes with a map each.
        </p>
        <FillFields {...props} />
        <ListPick {...props} name="edge" label="At the edge" choices={edges} />
        {(errors.stride !== undefined || form.gaps !== '') && (
          <Switch {...props} name="gaps" label="Leave gaps between patches" />
        )}
      </Card>
      <Card title="What is measured">
        <TargetFields {...props} />
        <ListPick {...props} name="score" label="Score" choices={scores} />
        <Switch {...props} name="refine" label="Refine: coarse, then fine" />
        <Switch {...props} name="faithfulness" label="Measure faithfulness" />
      </Card>
    </>
  );
}

const Card = ({ title, children }: { readonly title: string; readonly children: ReactNode }) => {
  const id = useId();
  return (
    <section className="card controls" aria-labelledby={id}>
      <h2 id={id}>{title}</h2>
      {children}
    </section>
  );
};

const edges = [
  { value: 'clip', label: 'Cut the last patch' },
  { value: 'valid', label: 'Whole patches only' },
  { value: 'article', label: 'As in the founding article' },
];
const scores = [
  { value: 'probability', label: 'Probability' },
  { value: 'logit', label: 'Logit' },
  { value: 'log-odds', label: 'Log-odds' },
];

type NamedField = NewJobFormProps & { readonly name: FormField; readonly label: string };

/** One of a list, whose first is the default. */
function ListPick({
  form,
  errors,
  change,
  name,
  label,
  choices,
}: NamedField & { readonly choices: readonly { value: string; label: string }[] }) {
  const [usual] = choices;
  return (
    <div className="field">
      <Pick
        label={label}
        value={form[name] || (usual?.value ?? '')}
        choices={choices}
        onChange={(value) => change({ [name]: value === usual?.value ? '' : value })}
      />
      <FieldError error={errors[name]} />
    </div>
  );
}

function Switch({ form, errors, change, name, label }: NamedField) {
  return (
    <div className="field">
      <Flag
        label={label}
        value={form[name] !== ''}
        onChange={(isOn) => change({ [name]: isOn ? 'yes' : '' })}
      />
      <FieldError error={errors[name]} />
    </div>
  );
}

/** Datasets that are listed to choose from. */
const maxListed = 100;

function DatasetPick({ form, errors, change }: NewJobFormProps) {
  const { data = [] } = useQuery({
    queryKey: ['datasets'],
    queryFn: ({ signal }) => listDatasets(signal),
  });
  const listed = data.filter(({ state }) => state === 'ready').slice(0, maxListed);
  const { dataset } = form;
  const chosen = data.find(({ id }) => id === dataset);
  const rest = dataset === '' || listed.some(({ id }) => id === dataset) ? [] : [chosen ?? dataset];
  const choices = [
    { value: '', label: dataset === '' ? 'Choose one, or drop photos' : 'Drop other photos' },
    ...[...rest, ...listed].map(choiceOf),
  ];
  return (
    <div className="field">
      <Pick
        label="Dataset"
        value={dataset}
        choices={choices}
        onChange={(id) => change({ dataset: id, image: '' })}
      />
      <FieldError error={errors.dataset} />
    </div>
  );
}

const choiceOf = (dataset: Dataset | string) =>
  typeof dataset === 'string'
    ? { value: dataset, label: dataset }
    : {
        value: dataset.id,
        label: `${formatCount(dataset.images, 'photo')}, ${formatTime(dataset.createdAt)}`,
      };

function ModelPick({ form, models, errors, change }: NewJobFormProps) {
  const isListed = form.model === '' || models.some(({ name }) => name === form.model);
  const other = isListed ? [] : [{ value: form.model, label: form.model }];
  const choices = models.map(({ name, input, setAside }) => ({
    value: name,
    label: name,
    note: setAside === null ? `${input.width} × ${input.height} px` : 'set aside',
  }));
  return (
    <div className="field">
      <Pick
        label="Model"
        value={form.model}
        choices={[...other, ...choices]}
        onChange={(model) => change({ model })}
      />
      <FieldError error={errors.model} />
    </div>
  );
}

/** Kinds of fills, and what each is told: its words and a first value. */
const fills: Readonly<Record<string, KindField>> = {
  constant: { label: 'Constant', value: 'Value, normalised', first: '' },
  pixel: { label: 'Grey level', value: 'Grey, 0 to 1', first: '0.5' },
  mean: { label: 'Mean of the photo' },
  'dataset-mean': { label: 'Mean of the training data' },
  blur: { label: 'Blur', value: 'Sigma, px', first: '8' },
  noise: { label: 'Noise', value: 'Seed', first: '1' },
};
const targets: Readonly<Record<string, KindField>> = {
  predicted: { label: 'The predicted class' },
  top: { label: 'Top classes', value: 'How many', first: '3' },
  label: { label: "The photo's own label" },
  class: { label: 'One class', value: 'Name or index', first: '' },
};

type KindField = { readonly label: string; readonly value?: string; readonly first?: string };

function FillFields({ form, errors, change }: NewJobFormProps) {
  const { kind, value } = parseFill(form.fill);
  return (
    <KindFields
      label="Fill"
      kinds={fills}
      {...{ kind, value }}
      placeholder="0"
      error={errors.fill}
      // A constant is written as its number alone.
      onChange={(next, text) =>
        change({ fill: next === 'constant' ? (text ?? '') : join(next, text) })
      }
    />
  );
}

function TargetFields({ form, errors, change }: NewJobFormProps) {
  const { kind, value } = parseTarget(form.target);
  return (
    <KindFields
      label="Target"
      kinds={targets}
      {...{ kind, value }}
      error={errors.target}
      onChange={(next, text) => change({ target: next === 'predicted' ? '' : join(next, text) })}
    />
  );
}

const join = (kind: string, value: string | null): string =>
  value === null ? kind : `${kind}:${value}`;

type KindFieldsProps = {
  readonly label: string;
  readonly kinds: Readonly<Record<string, KindField>>;
  readonly kind: string;
  readonly value: string;
  readonly placeholder?: string;
  readonly error: string | undefined;
  /** @param value null for a kind that is told nothing. */
  readonly onChange: (kind: string, value: string | null) => void;
};

/** A kind, and what that kind is told. */
function KindFields({ label, kinds, kind, value, placeholder, error, onChange }: KindFieldsProps) {
  const told = kinds[kind]?.value;
  const known = Object.entries(kinds).map(([name, one]) => ({ value: name, label: one.label }));
  const choices = kinds[kind] === undefined ? [{ value: kind, label: kind }, ...known] : known;
  return (
    <>
      <div className={told === undefined ? 'field' : 'pair'}>
        <Pick
          label={label}
          value={kind}
          choices={choices}
          onChange={(next) => onChange(next, kinds[next]?.first ?? null)}
        />
        {told !== undefined && (
          <TextField
            label={told}
            value={value}
            {...(placeholder !== undefined && { placeholder })}
            onChange={(text) => onChange(kind, text)}
            error={error}
          />
        )}
      </div>
      {told === undefined && <FieldError error={error} />}
    </>
  );
}
