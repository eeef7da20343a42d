import { useQueryClient } from '@tanstack/react-query';
import { useEffect, useRef, useState } from 'react';
import { createBandInbox } from '../api/band-inbox.js';
import { followJob } from '../api/events.js';
import { type ImageOfJob, type ImageProgress, readImage } from '../api/images.js';

/** Key under which it is kept how far an image is. */
export const imageKey = ({ job, image }: ImageOfJob) => ['image', job, image] as const;

export type BandsWished = {
  readonly job: string;
  /** The only image of interest; left out where `wants` says which are. */
  readonly image?: string;
  readonly wants?: (image: string) => boolean;
  /** Whether bands are expected: a stream is open as long as it is true. */
  readonly isOn: boolean;
};

/**
 * Keep what is known of images that run up to date by the bands of scores that their job tells.
 *
 * @returns Whether they are heard: not before the stream begins, nor where the service refuses one.
 */
export function useBands({ job, image, wants, isOn }: BandsWished): boolean {
  const queries = useQueryClient();
  const [isHeard, setHeard] = useState(false);
  const asked = useRef(wants);
  useEffect(() => {
    asked.current = wants;
  });
  useEffect(() => {
    if (!isOn) return;
    const leaving = new AbortController();
    const { signal } = leaving;
    const keyOf = (id: string) => imageKey({ job, image: id });
    const inbox = createBandInbox({
      read: (id) => readImage({ job, image: id }, signal),
      known: (id) => queries.getQueryData<ImageProgress>(keyOf(id)),
      keep: (id, progress) => void queries.setQueryData(keyOf(id), progress),
    });
    const isWanted = (id: string) => id === image || asked.current?.(id) === true;
    const listener = {
      begun() {
        inbox.begin();
        setHeard(true);
      },
      wants: isWanted,
      band: inbox.hear,
      imageEnded(id: string) {
        if (isWanted(id)) void queries.invalidateQueries({ queryKey: keyOf(id) });
      },
    };
    const silence = () => !signal.aborted && setHeard(false);
    followJob({ job, ...(image !== undefined && { image }) }, listener, signal).then(
      silence,
      silence,
    );
    return () => {
      leaving.abort();
      setHeard(false);
    };
  }, [queries, job, image, isOn]);
  return isHeard;
}
