import { useEffect, useState } from 'react';
import type { ScoreCells } from './cells.js';

/** Share of the cells that wait which each frame shows: a band takes about a third of a second. */
const shareOfFrame = 0.08;

/**
 * Let cells that arrive together appear one after another, so that the eye can follow the patch. All at
 * once where less motion is asked for, or where nothing was waited for.
 */
export function useRevealed(cells: ScoreCells, isRunning: boolean): ScoreCells {
  const [shown, setShown] = useState<ScoreCells>(cells);
  const isStill = !isRunning && !isWithin(shown, cells);
  useEffect(() => {
    if (isStill || matchMedia('(prefers-reduced-motion: reduce)').matches) return setShown(cells);
    let frame = 0;
    const step = () => {
      setShown((before) => {
        const next = revealSome(before, cells);
        if (next !== cells) frame = requestAnimationFrame(step);
        return next;
      });
    };
    frame = requestAnimationFrame(step);
    return () => cancelAnimationFrame(frame);
  }, [cells, isStill]);
  return isStill ? cells : shown;
}

/** Whether what is shown is an earlier stage of the same cells, and not of another map. */
function isWithin(shown: ScoreCells, cells: ScoreCells): boolean {
  if (shown.scores.length !== cells.scores.length) return false;
  return shown.scores.every((score, index) => Number.isNaN(score) || score === cells.scores[index]);
}

export function revealSome(shown: ScoreCells, cells: ScoreCells): ScoreCells {
  if (!isWithin(shown, cells)) return cells;
  const scores = Float32Array.from(shown.scores);
  const waiting = [...scores.keys()].filter(
    (index) => Number.isNaN(scores[index]) && !Number.isNaN(cells.scores[index]),
  );
  const now = waiting.slice(0, Math.ceil(waiting.length * shareOfFrame));
  if (now.length === waiting.length) return cells;
  for (const index of now) scores[index] = cells.scores[index] ?? Number.NaN;
  return { ...cells, scores };
}
