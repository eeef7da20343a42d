import { useState } from 'react';
import type { RowFacets } from '../api/rows.js';
import { hasFilters, nameContains } from '../lib/wall-query.js';
import { stateWords } from './job-tile.js';

export type JobFacetsProps = {
  readonly facets: RowFacets;
  readonly where: readonly string[];
  /** Called with the filters of a value: all of them are set, or taken away. */
  readonly onToggle: (filters: readonly string[]) => void;
};

/** A value of a facet: its words, how many rows have it, and the filters that find those. */
type FacetValue = {
  readonly words: string;
  readonly count: number;
  readonly filters: readonly string[];
};

/** What images say, each with how many say so; a press filters by it. */
export function JobFacets({ facets, where, onToggle }: JobFacetsProps) {
  return (
    <>
      {facetsOf(facets).map(({ title, values, distinct }) => (
        <Facet key={title} {...{ title, values, distinct, where, onToggle }} />
      ))}
    </>
  );
}

type FacetProps = Pick<JobFacetsProps, 'where' | 'onToggle'> & {
  readonly title: string;
  readonly values: readonly FacetValue[];
  /** Values that there are, of which some are not listed. */
  readonly distinct: number;
};

/** Values in sight before more are asked for. */
const maxInSight = 6;

function Facet({ title, values, distinct, where, onToggle }: FacetProps) {
  const [isWhole, setWhole] = useState(false);
  const isChosen = ({ filters }: FacetValue) => hasFilters(where, filters);
  const shown = values.filter((value, at) => isWhole || at < maxInSight || isChosen(value));
  const most = Math.max(1, ...values.map(({ count }) => count));
  if (values.length === 0) return null;
  return (
    <section className="facet" aria-label={title}>
      <h3>{title}</h3>
      <ul>
        {shown.map((value) => (
          <li key={value.filters.join('\n')}>
            <button
              type="button"
              className="facet-value"
              aria-pressed={isChosen(value)}
              onClick={() => onToggle(value.filters)}
            >
              <span className="facet-words">{value.words}</span>
              <span className="facet-count">{value.count.toLocaleString('en')}</span>
              <span className="facet-bar" style={{ width: `${(100 * value.count) / most}%` }} />
            </button>
          </li>
        ))}
      </ul>
      {values.length > maxInSight && (
        <button type="button" className="link" onClick={() => setWhole(!isWhole)}>
          {isWhole ? 'Fewer' : `All ${values.length}`}
        </button>
      )}
      {isWhole && distinct > values.length && (
        <p className="note">The most frequent of {distinct.toLocaleString('en')}.</p>
      )}
    </section>
  );
}

type FacetList = Pick<FacetProps, 'title' | 'values' | 'distinct'>;

/** The facets that tell images apart; those of nothing but rows without a value are left out. */
export function facetsOf({ states, isRight, labels, predicted, pairs }: RowFacets): FacetList[] {
  const { right, wrong, unknown } = isRight;
  const verdicts = [
    { words: 'right', count: right, filters: ['isRight=true'] },
    { words: 'wrong', count: wrong, filters: ['isRight=false'] },
    { words: 'unknown', count: unknown, filters: ['isRight='] },
  ].filter(({ count }) => count > 0);
  return [
    whole(
      'State',
      states.map(({ state, count }) => ({
        ...{ words: stateWords[state], count },
        filters: [`state=${state}`],
      })),
    ),
    whole('Right or wrong', right + wrong === 0 ? [] : verdicts),
    {
      title: 'Label',
      distinct: labels.distinct,
      values: labels.values.map(({ label, count }) => ({
        ...{ words: String(label), count },
        filters: [`label=${label}`],
      })),
    },
    {
      title: 'Predicted',
      distinct: predicted.distinct,
      values: predicted.values.map(({ index, label, count }) => ({
        ...{ words: label, count },
        filters: [`predicted.index=${index}`],
      })),
    },
    {
      title: 'Label → predicted',
      distinct: pairs.distinct,
      values: pairs.values.flatMap(({ label, predicted: to, count }) =>
        to === null
          ? []
          : {
              ...{ words: `${label} → ${to.label}`, count },
              filters: [`label=${label}`, `predicted.index=${to.index}`],
            },
      ),
    },
  ];
}

const whole = (title: string, values: readonly FacetValue[]): FacetList => ({
  ...{ title, values, distinct: values.length },
});

/** The words of a filter, where a facet has some; else the filter itself. */
export function wordsOfFilter(filter: string, facets: RowFacets | undefined): string {
  const named = facets === undefined ? [] : facetsOf(facets);
  for (const { title, values } of named) {
    const value = values.find(({ filters }) => filters.length === 1 && filters[0] === filter);
    if (value !== undefined) return `${title}: ${value.words}`;
  }
  return filter.startsWith(nameContains) ? `Name: ${filter.slice(nameContains.length)}` : filter;
}
