import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { askEach } from '../api/polling.js';
import {
  cancelTrial,
  listTrials,
  startTrial,
  type Trial,
  type TrialRequest,
} from '../api/reports.js';
import { isTrialEnded } from '../lib/trial-words.js';

const runningMs = 1_000;

/** A job's trials, asked for each second while any of them runs. */
export const useTrials = (job: string) =>
  useQuery({
    queryKey: ['trials', job],
    queryFn: ({ signal }) => listTrials(job, signal),
    refetchInterval: askEach<readonly Trial[]>((trials) =>
      trials?.every(isTrialEnded) === true ? false : runningMs,
    ),
  });

/** What starts a trial, and tells the page of it. */
export function useTry(job: string) {
  const queries = useQueryClient();
  return useMutation({
    mutationFn: (of: TrialRequest['of']) => startTrial(job, of),
    onSuccess: () => queries.invalidateQueries({ queryKey: ['trials', job] }),
  });
}

export function useCancelTrial() {
  const queries = useQueryClient();
  return useMutation({
    mutationFn: (trial: Trial) => cancelTrial(trial),
    onSuccess: (_, { job }) => queries.invalidateQueries({ queryKey: ['trials', job] }),
  });
}
