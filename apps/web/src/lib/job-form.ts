import type { OcclusionSettings, OcclusionSettingsInput } from '@umbra/shared/contracts/settings';
import { fillText, targetText } from './snippets.js';

/**
 * What a form of a new job says: texts as the CLI's flags have them, under their names in the page's address.
 * What is empty is as the service has it by default.
 */
export type JobForm = Readonly<Record<FormField, string>>;
export type FormField = (typeof fieldNames)[number];

const fieldNames = [
  'dataset',
  'model',
  /** The photo that is looked at. */
  'image',
  'patch',
  'stride',
  'edge',
  'fill',
  'target',
  'score',
  'strategy',
  'gaps',
  'refine',
  'faithfulness',
] as const;

/** What is wrong, by field; in words. */
export type FieldErrors = Readonly<Partial<Record<FormField, string>>>;

export const parseForm = (search: URLSearchParams): JobForm =>
  Object.fromEntries(fieldNames.map((name) => [name, search.get(name) ?? ''])) as JobForm;

/** Write an address, with nothing in it that is empty. */
export const formatForm = (form: Partial<JobForm>): URLSearchParams =>
  new URLSearchParams(
    fieldNames.flatMap((name) => (form[name] ? [[name, form[name]] as [string, string]] : [])),
  );

/** Address of the form, filled in as far as something is known. */
export const newJobPath = (form: Partial<JobForm>): string => {
  const search = formatForm(form).toString();
  return search === '' ? '/jobs/new' : `/jobs/new?${search}`;
};

/** A form that asks for the same as a job did; what is as by default is left out. */
export function formOf(job: {
  readonly dataset: string;
  readonly model: { readonly name: string };
  readonly settings: OcclusionSettings;
}): Partial<JobForm> {
  const { patch, stride, edge, fill, target, score, strategy, ...more } = job.settings;
  const { allowGaps, refine, faithfulness } = more;
  const patches = 'height' in patch ? [patch] : patch;
  const other = (value: string, usual: string) => (value === usual ? '' : value);
  return {
    dataset: job.dataset,
    model: job.model.name,
    patch: patches.map(({ height, width }) => pairText(height, width)).join(','),
    stride: pairText(stride.y, stride.x),
    edge: other(edge, 'clip'),
    fill: other(fillText(fill), '0'),
    target: other(targetField(target), 'predicted'),
    score: other(score, 'probability'),
    strategy: other(strategy, 'auto'),
    gaps: allowGaps ? 'yes' : '',
    refine: refine === null ? '' : `${refine.every},${refine.share}`,
    faithfulness: faithfulness === null ? '' : String(faithfulness.steps),
  };
}

const pairText = (y: number, x: number): string => (y === x ? String(y) : `${y}x${x}`);

/** With the kind of a class told: its name may be that of another kind. */
const targetField = (target: OcclusionSettings['target']): string =>
  target.kind === 'class' ? `class:${targetText(target)}` : targetText(target);

/** A text of two parts: its kind, and what that kind is told. */
export type KindText = { readonly kind: string; readonly value: string };

/** Read `blur:8`, `mean`, or a number alone, which is a constant. */
export function parseFill(text: string): KindText {
  const [, kind = '', value = ''] = /^([a-z-]+)(?::(.*))?$/.exec(text) ?? [];
  return kind === '' ? { kind: 'constant', value: text } : { kind, value };
}

/** Read `top:3`, `label` or `class:tabby`; what is none of them is a class. */
export function parseTarget(text: string): KindText {
  if (text === '' || text === 'predicted') return { kind: 'predicted', value: '' };
  if (text === 'label') return { kind: 'label', value: '' };
  const [, kind = 'class', value = text] = /^(top|class):(.*)$/.exec(text) ?? [];
  return { kind, value };
}

export type FormSettings = {
  readonly settings: OcclusionSettingsInput;
  /** What cannot be read as settings at all; the service tells what else does not fit. */
  readonly errors: FieldErrors;
};

/** The settings that a form says, and only those that it says. */
export function settingsOf(form: JobForm): FormSettings {
  const errors: Partial<Record<FormField, string>> = {};
  /** A setting of a text that is there; what cannot be read is an error. */
  const read = <K extends string, T>(
    name: FormField,
    key: K,
    parse: (text: string) => T | null,
  ) => {
    const text = form[name].trim();
    if (text === '') return {};
    const value = parse(text);
    if (value !== null) return { [key]: value } as Readonly<Record<K, T>>;
    // A kind that is not told its value yet is no mistake to quote.
    const got = text.endsWith(':') ? '' : `, got “${text}”`;
    errors[name] = `Expected ${expectedOf(name, text)}${got}`;
    return {};
  };
  const as = <T>(text: string) => text as T;
  const settings = {
    ...read('patch', 'patch', patchesOf),
    ...read('stride', 'stride', strideOf),
    ...read('edge', 'edge', as<OcclusionSettings['edge']>),
    ...read('fill', 'fill', fillOf),
    ...read('target', 'target', targetOf),
    ...read('score', 'score', as<OcclusionSettings['score']>),
    ...read('strategy', 'strategy', as<OcclusionSettings['strategy']>),
    ...read('gaps', 'allowGaps', () => true),
    ...read('refine', 'refine', refineOf),
    ...read('faithfulness', 'faithfulness', faithfulnessOf),
  };
  return { settings, errors };
}

const expectedOf = (name: FormField, text: string): string | undefined =>
  name === 'target' && parseTarget(text).kind === 'top' ? 'how many classes' : expected[name];

const expected: Readonly<Partial<Record<FormField, string>>> = {
  patch: 'px, such as 32, or 24x32 (height x width), or several: 16,32',
  stride: 'px, such as 16, or 8x16 (down x across)',
  fill: 'a number',
  target: 'a class by name or index',
  refine: 'yes, or a share such as 5,0.25',
  faithfulness: 'yes, or a number of steps',
};

function patchesOf(text: string): OcclusionSettingsInput['patch'] | null {
  const sizes = text.split(',').map((part) => {
    const [height, width] = pairOf(part) ?? [];
    return height === undefined || width === undefined ? null : { height, width };
  });
  const known = sizes.filter((size) => size !== null);
  const [first] = known;
  if (first === undefined || known.length < sizes.length) return null;
  return known.length === 1 ? first : known;
}

function strideOf(text: string): OcclusionSettingsInput['stride'] | null {
  const [y, x] = pairOf(text) ?? [];
  return y === undefined || x === undefined ? null : { y, x };
}

/** `32` is a square. */
function pairOf(text: string): readonly [number, number] | null {
  const [, first, second = first] = /^\s*(\d+)(?:\s*[x×]\s*(\d+))?\s*$/.exec(text) ?? [];
  return first === undefined ? null : [Number(first), Number(second)];
}

function fillOf(text: string): OcclusionSettingsInput['fill'] | null {
  const { kind, value } = parseFill(text);
  if (kind === 'mean' || kind === 'dataset-mean') return { kind };
  const number = numberOf(value);
  if (number === null) return null;
  if (kind === 'blur') return { kind, sigma: number };
  if (kind === 'noise') return { kind, seed: number };
  if (kind !== 'constant' && kind !== 'pixel') return null;
  const space = kind === 'pixel' ? 'pixel' : 'normalized';
  return { kind: 'constant', value: number, space };
}

function targetOf(text: string): OcclusionSettingsInput['target'] | null {
  const { kind, value } = parseTarget(text);
  if (kind === 'predicted' || kind === 'label') return { kind };
  const number = numberOf(value);
  if (kind === 'top') return number === null ? null : { kind, k: number };
  if (value.trim() === '') return null;
  const isIndex = /^\d+$/.test(value.trim());
  return isIndex ? { kind: 'class', index: Number(value) } : { kind: 'class', name: value.trim() };
}

function refineOf(text: string): OcclusionSettingsInput['refine'] | null {
  if (text === 'yes') return true;
  const [every, share] = text.split(',').map(numberOf);
  if (every === undefined || every === null || share === undefined || share === null) return null;
  return { every, share };
}

function faithfulnessOf(text: string): OcclusionSettingsInput['faithfulness'] | null {
  const steps = numberOf(text);
  return text === 'yes' ? true : steps === null ? null : { steps };
}

const numberOf = (text: string): number | null => {
  const number = Number(text);
  return text.trim() === '' || !Number.isFinite(number) ? null : number;
};

/** What the service says of a request, by the fields that it is about; `rest` is about none of them. */
export type ToldErrors = { readonly fields: FieldErrors; readonly rest: readonly string[] };

export function errorsByField(error: {
  readonly message: string;
  readonly errors: readonly { readonly path: string; readonly message: string }[];
}): ToldErrors {
  if (error.errors.length === 0) return { fields: {}, rest: [error.message] };
  const fields: Partial<Record<FormField, string>> = {};
  const rest: string[] = [];
  for (const { path, message } of error.errors) {
    const name = fieldOf(path);
    if (name === null) rest.push(path === '' ? message : `${path}: ${message}`);
    else fields[name] = [fields[name], message].filter((one) => one !== undefined).join('; ');
  }
  return { fields, rest };
}

const otherNames: Readonly<Record<string, FormField>> = { allowGaps: 'gaps' };

/** The field that `settings.patch.0`, or `model`, is about. */
function fieldOf(path: string): FormField | null {
  const [first = '', second = ''] = path.split('.');
  const name = first === 'settings' ? (otherNames[second] ?? second) : first;
  return fieldNames.find((one) => one === name) ?? null;
}
