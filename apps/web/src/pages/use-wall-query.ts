import { useCallback, useEffect, useMemo, useRef } from 'react';
import { useSearchParams } from 'wouter';
import { formatWall, parseWall, type WallQuery } from '../lib/wall-query.js';

/** What the address says of the wall, and ways to say something else there. */
export function useWallQuery() {
  const [search, setSearch] = useSearchParams();
  const text = formatWall(parseWall(search)).toString();
  // The same object for the same words: what is asked for hangs on it.
  const query = useMemo(() => parseWall(new URLSearchParams(text)), [text]);
  const place = Number(search.get('at') ?? '');
  const at = search.has('at') && Number.isInteger(place) && place >= 0 ? place : null;
  const setNow = useRef(setSearch);
  useEffect(() => {
    setNow.current = setSearch;
  });
  const change = useCallback(
    (to: Partial<WallQuery>) =>
      setNow.current((now) => formatWall({ ...parseWall(now), ...to }), { replace: true }),
    [],
  );
  /** Say where the reader is, for when they come back. */
  const remember = useCallback(
    (position: number) =>
      setNow.current(
        (now) => {
          const next = formatWall(parseWall(now));
          next.set('at', String(position));
          return next;
        },
        { replace: true },
      ),
    [],
  );
  return { query, at, change, remember };
}
