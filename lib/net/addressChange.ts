import type { Hook, Match, Rule, TableName } from "../netfilter/ruleset.js";
import { type Flow, flowKey } from "../packet/flow.js";
import type { Hop, Step, Trace } from "./trace.js";

/** What decided that a packet's address or port should change. */
export type ChangedBy =
  | {
      readonly kind: "rule";
      readonly hook: Hook;
      readonly table: TableName;
      readonly chain: string;
      /** 1 is the first. */ readonly number: number;
      readonly target: string;
      readonly comment?: string;
    }
  /** A packet before this one decided it, for the whole connection. */
  | { readonly kind: "connection" }
  | {
      readonly kind: "translator";
      readonly translator: string;
      readonly portsInUse: number;
      readonly portsAllotted: number;
      readonly fresh: boolean;
    }
  /** The card has a public address of its own. */
  | { readonly kind: "public-address" };

/** One place where a packet got another source or destination. */
export interface AddressChange {
  /** The host's id, or the translator's name. */
  readonly place: string;
  readonly which: "source" | "destination";
  readonly before: Flow;
  readonly after: Flow;
  readonly by: ChangedBy;
}

const commentOf = (rule: Rule): string | undefined =>
  rule.matches.find((match): match is Extract<Match, { kind: "comment" }> => match.kind === "comment")?.text;

const isTranslating = (rule: Rule): boolean =>
  rule.target.kind === "MASQUERADE" || rule.target.kind === "SNAT" || rule.target.kind === "DNAT";

/** The rule that asked for the translation that follows it. */
const askedBy = (steps: readonly Step[], index: number): ChangedBy => {
  const step = steps.slice(0, index).findLast(before => before.kind === "rule" && isTranslating(before.rule));
  if (step?.kind !== "rule") return { kind: "connection" };
  const { hook, table, chain, number, rule } = step;
  const comment = commentOf(rule);
  return {
    kind: "rule",
    hook,
    table,
    chain,
    number,
    target: rule.target.kind,
    ...(comment === undefined ? {} : { comment }),
  };
};

/** The change that one step of a hop makes; undefined when it makes none. */
export const changeAt = (hop: Hop, index: number): AddressChange | undefined => {
  const step = hop.steps[index]!;
  const { place } = hop;
  switch (step.kind) {
    case "nat":
      if (flowKey(step.before) === flowKey(step.after)) return undefined;
      return {
        place,
        which: step.which,
        before: step.before,
        after: step.after,
        by: step.by === "rule" ? askedBy(hop.steps, index) : { kind: "connection" },
      };
    case "translate": {
      const { translator, before, after, portsInUse, portsAllotted, fresh } = step;
      return {
        place,
        which: before.src === after.src ? "destination" : "source",
        before,
        after,
        by: { kind: "translator", translator, portsInUse, portsAllotted, fresh },
      };
    }
    case "public-address":
      return {
        place,
        which: step.before.src === step.after.src ? "destination" : "source",
        before: step.before,
        after: step.after,
        by: { kind: "public-address" },
      };
    default:
      return undefined;
  }
};

/** Who changed a packet's addresses or ports on its way, in order, and by which rule. Replies have their own. */
export const addressChanges = (trace: Pick<Trace, "hops">): readonly AddressChange[] =>
  trace.hops.flatMap(hop => hop.steps.flatMap((_, index) => changeAt(hop, index) ?? []));

/** What decided a change, in a few words: `POSTROUTING rule 3, MASQUERADE`. */
export const formatChangedBy = (by: ChangedBy): string => {
  switch (by.kind) {
    case "rule":
      return `${by.chain} rule ${by.number}, ${by.target}`;
    case "connection":
      return "as its connection began";
    case "translator":
      return `load balancer ${by.translator}`;
    case "public-address":
      return "the card's public address";
  }
};
