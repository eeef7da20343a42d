import { useEffect, useRef, useState } from 'react';
import type { JobStatus } from '../api/jobs.js';
import { tableForms, tablePath } from '../api/rows.js';
import { isService } from '../api/source.js';
import { formatCount } from '../lib/format.js';
import { nameContains, replaceFilter, valueAfter, type WallQuery } from '../lib/wall-query.js';
import { Pick } from '../parts/choices.js';
import type { WallNews } from './use-wall-rows.js';

const sorts = [
  { value: 'index', label: 'Order of the dataset' },
  { value: 'name', label: 'Name' },
  { value: '-drop', label: 'Largest drop' },
  { value: 'drop', label: 'Smallest drop' },
  { value: '-flips', label: 'Most flips' },
  { value: 'flips', label: 'Fewest flips' },
  { value: '-borderShare', label: 'Most at the border' },
  { value: 'borderShare', label: 'Least at the border' },
  { value: '-score', label: 'Highest score' },
  { value: 'score', label: 'Lowest score' },
] as const;

export type WallBarProps = {
  readonly job: JobStatus;
  readonly query: WallQuery;
  readonly news: WallNews;
  /** Images that fit; undefined while that is not known. */
  readonly total: number | undefined;
  readonly onSet: (to: Partial<WallQuery>) => void;
  readonly onShow: () => void;
};

/** How many images fit, how they are sorted, a search, and tables of them. */
export function WallBar({ job, query, news, total, onSet, onShow }: WallBarProps) {
  const { sort, where } = query;
  const isOwn = sorts.some(({ value }) => value === sort);
  const choices = isOwn ? sorts : [...sorts, { value: sort, label: sort }];
  return (
    <>
      <div className="wall-bar">
        <Pick
          label="Sort by"
          choices={choices}
          value={sort}
          onChange={(to) => onSet({ sort: to })}
        />
        <NameSearch
          value={valueAfter(where, nameContains)}
          onSearch={(text) => onSet({ where: replaceFilter(where, nameContains, text) })}
        />
        {isService() && (
          <div className="wall-tables">
            <span className="field-label">Table of these</span>
            <div className="row">
              {tableForms.map((form) => (
                <a key={form} className="button" href={tablePath(job.id, form, query)} download>
                  {tableNames[form]}
                </a>
              ))}
            </div>
          </div>
        )}
      </div>
      <p className="wall-count" role="status">
        {total === undefined ? 'Counting …' : countWords(total, job.counts.total)}
      </p>
      {news.hasMoved && (
        <p className="wall-news" role="status">
          {news.ended > 0
            ? `${news.ended.toLocaleString('en')} more finished`
            : 'Other images fit now'}
          <button type="button" className="button" onClick={onShow}>
            Show
          </button>
        </p>
      )}
    </>
  );
}

const tableNames = { csv: 'CSV', jsonl: 'JSONL', parquet: 'Parquet' } as const;

const countWords = (fitting: number, all: number): string =>
  fitting === all
    ? formatCount(all, 'image')
    : `${fitting.toLocaleString('en')} of ${formatCount(all, 'image')}`;

const typingMs = 300;

type NameSearchProps = { readonly value: string; readonly onSearch: (text: string) => void };

/** A search by name that follows the typing. */
function NameSearch({ value, onSearch }: NameSearchProps) {
  /** What is typed and not searched for yet. */
  const [typed, setTyped] = useState<string | null>(null);
  const search = useRef(onSearch);
  useEffect(() => {
    search.current = onSearch;
  });
  useEffect(() => {
    if (typed === null) return;
    const timer = setTimeout(() => {
      search.current(typed);
      setTyped(null);
    }, typingMs);
    return () => clearTimeout(timer);
  }, [typed]);
  return (
    <label className="field">
      <span className="field-label">Name contains</span>
      <input
        type="search"
        value={typed ?? value}
        onChange={(event) => setTyped(event.target.value)}
      />
    </label>
  );
}

export type ChosenProps = {
  readonly where: readonly string[];
  readonly wordsOf: (filter: string) => string;
  readonly onSet: (to: Partial<WallQuery>) => void;
};

/** The filters that are set, each with a way to remove it. */
export function ChosenFilters({ where, wordsOf, onSet }: ChosenProps) {
  if (where.length === 0) return null;
  return (
    <ul className="wall-chosen" aria-label="Filters that are set">
      {where.map((filter) => (
        <li key={filter}>
          <button
            type="button"
            className="chip"
            aria-label={`Remove the filter ${wordsOf(filter)}`}
            onClick={() => onSet({ where: where.filter((one) => one !== filter) })}
          >
            {wordsOf(filter)} <span aria-hidden="true">×</span>
          </button>
        </li>
      ))}
    </ul>
  );
}
