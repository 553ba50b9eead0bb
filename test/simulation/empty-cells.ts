import type { State } from "./coverage.ts";
import { DELIVERY_FAULTS, type Fault, PEOPLE_FAULTS, X_FAULTS } from "./faults.ts";

/** Cells of the table that may stay empty, and why. */
interface EmptyBecause {
  readonly states: readonly State[];
  readonly faults: readonly Fault[];
  readonly because: string;
  /** It takes two or three things at the same time: seen in some hundred thousand seeds, or not. Absent: it cannot happen. */
  readonly isRare?: true;
}

const OVER: readonly State[] = ["published", "failed", "missed", "cancelled"];
const ONLY_POSTING: readonly Fault[] = [
  "x-lost-made",
  "x-lost-unmade",
  "x-landed-late",
  "x-shown-late",
  "x-rate-limited",
  "x-duplicate",
  "x-outage",
];
const ALL_FAULTS: readonly Fault[] = [];

const EMPTY_BECAUSE: readonly EmptyBecause[] = [
  { states: ["draft"], faults: ALL_FAULTS, because: "nothing makes drafts yet" },
  {
    states: ["new"],
    faults: [...DELIVERY_FAULTS, ...X_FAULTS, ...PEOPLE_FAULTS, "slow-processing", "stale-index"],
    because: "what is not stored yet has no messages, and nobody knows of it",
  },
  {
    states: ["pending", "preparing", "ready", "retrying", "unknown", "held", ...OVER],
    faults: ONLY_POSTING,
    because: "X is asked to post only between intent and settlement",
  },
  {
    states: ["unknown"],
    faults: ["x-refused", "x-access-ended"],
    because: "a task in doubt is only read back",
    isRare: true,
  },
  {
    states: ["pending", "preparing", "ready", "posting", "retrying", "held", ...OVER],
    faults: ["timeline-refused"],
    because:
      "the timeline is read for tasks in doubt; another state means that somebody settled it meanwhile",
    isRare: true,
  },
  {
    states: ["pending", "ready", "posting", "retrying", "unknown", "held", ...OVER],
    faults: ["slow-processing"],
    because: "media are uploaded while preparing; another state means that the uploader was overtaken",
    isRare: true,
  },
  {
    states: ["preparing", "held", ...OVER],
    faults: ["x-refused", "x-access-ended"],
    because: "access is opened for tasks that are due; another state means that the publisher was overtaken",
    isRare: true,
  },
  {
    states: ["posting", "unknown", "held", ...OVER],
    faults: ["dropped"],
    because: "nothing is scheduled for it; a schedule of an older arrangement may be left",
    isRare: true,
  },
  {
    states: ["held", ...OVER],
    faults: [
      "conflict",
      "answer-lost",
      "repeated",
      "not-sent",
      "throttled",
      "crash-before",
      "crash-after",
      "stalled",
      "woke-after-end",
    ],
    because: "nothing writes what is over but a worker that read it before, and few look at it",
    isRare: true,
  },
  {
    states: ["held", ...OVER],
    faults: ["stale-index", "slow-processing"],
    because: "the index shows it only seconds after its end",
    isRare: true,
  },
  {
    states: ["missed", "failed", "cancelled"],
    faults: [
      ...PEOPLE_FAULTS,
      "answered-late",
      "late",
      "twice",
      "unacknowledged",
      "clock-skewed",
      "overtaken",
    ],
    because: "few tasks end so, and somebody must come back to one of them",
    isRare: true,
  },
];

const reasonOf = (state: State, fault: Fault): EmptyBecause | undefined =>
  EMPTY_BECAUSE.find(
    ({ states, faults }) => states.includes(state) && (faults === ALL_FAULTS || faults.includes(fault)),
  );

/** Why nothing has to have met this cell. */
export const whyEmpty = (state: State, fault: Fault): string | undefined => reasonOf(state, fault)?.because;

/** Whether nothing can meet this cell: if something does, the reason is wrong. */
export const isImpossible = (state: State, fault: Fault): boolean => {
  const reason = reasonOf(state, fault);
  return reason !== undefined && !reason.isRare;
};
