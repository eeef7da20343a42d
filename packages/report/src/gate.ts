import {
  type ReportMetric,
  type ReportMetrics,
  reportMetrics,
} from '@umbra/shared/contracts/report';
import type { ReportDifference } from '@umbra/shared/contracts/report-difference';
import { invalidInput } from '@umbra/shared/errors';

const changeSuffix = '.change';
const metricNames = Object.keys(reportMetrics.shape) as ReportMetric[];
const operators = {
  '>': (value: number, limit: number) => value > limit,
  '>=': (value: number, limit: number) => value >= limit,
  '<': (value: number, limit: number) => value < limit,
  '<=': (value: number, limit: number) => value <= limit,
};
const condition = /^([a-z.-]+)\s*(>=|<=|>|<)\s*([-+]?(?:\d+\.?\d*|\.\d+)(?:e[-+]?\d+)?)$/i;

/** One condition that a report must not meet, such as `off-object>0.4`. */
export type GateCondition = {
  /** As it was given. */
  readonly text: string;
  readonly metric: ReportMetric;
  /** Whether the metric's change against another job is meant, `off-object.change`, and not its value. */
  readonly isChange: boolean;
  readonly operator: keyof typeof operators;
  readonly limit: number;
};
export type Gate = readonly GateCondition[];

/** A condition with what was found: broken where it is met, and where the value is not known. */
export type GateFinding = {
  readonly text: string;
  /** With `.change` where that is meant. */
  readonly metric: string;
  readonly value: number | null;
  readonly isBroken: boolean;
};

/**
 * Read conditions that a report must not meet: a metric, or its name with `.change`, then `>`, `>=`, `<` or `<=`, then
 * a number; several are joined by commas, or given one by one.
 *
 * @throws {AppError} `invalid_input` with what was expected.
 */
export const parseGate = (texts: string | readonly string[]): Gate =>
  [texts].flat().flatMap((text) => text.split(',').map((part) => parseCondition(part.trim())));

function parseCondition(text: string): GateCondition {
  const [, name = '', operator = '', limit = ''] = condition.exec(text) ?? [];
  if (!isOperator(operator)) {
    throw invalidInput(
      `Expected a metric, then >, >=, < or <=, then a number, such as 'off-object>0.4', got '${text}'`,
    );
  }
  const isChange = name.endsWith(changeSuffix);
  const metric = isChange ? name.slice(0, -changeSuffix.length) : name;
  if (!isMetric(metric)) {
    throw invalidInput(
      `Expected one of the metrics ${metricNames.join(', ')}, each also with ${changeSuffix}, got '${name}'`,
    );
  }
  return { text, metric, isChange, operator, limit: Number(limit) };
}

/**
 * Hold a report against a gate, condition by condition. A value that is not known breaks its condition: what cannot
 * be judged must not pass.
 *
 * @param difference Of the report and another; needed for changes alone.
 * @throws {AppError} `invalid_input` if a change is asked about without another report.
 */
export function checkGate(
  gate: Gate,
  { metrics, difference }: { metrics: ReportMetrics; difference: ReportDifference | null },
): GateFinding[] {
  return gate.map(({ text, metric, isChange, operator, limit }) => {
    if (isChange && difference === null) {
      throw invalidInput(`Expected another job to compare with, since '${text}' asks for a change`);
    }
    const value = isChange ? (difference?.metrics[metric]?.difference ?? null) : metrics[metric];
    const isBroken = value === null || operators[operator](value, limit);
    return { text, metric: isChange ? `${metric}${changeSuffix}` : metric, value, isBroken };
  });
}

const isOperator = (text: string): text is keyof typeof operators => Object.hasOwn(operators, text);
const isMetric = (text: string): text is ReportMetric => Object.hasOwn(reportMetrics.shape, text);
