import { InputError } from "../errors.js";
import { theme } from "./theme.js";

/** A row of a chart's data: a flat record. */
export type ChartRow = Readonly<Record<string, string | number | boolean | null>>;

export type FieldType = "quantitative" | "ordinal" | "nominal";

export type MarkType = "bar" | "line" | "area" | "point" | "rect" | "rule" | "text" | "tick";

/** What is drawn for each row. Lengths are in pixels. */
export interface ChartMark {
  readonly type: MarkType;
  readonly color?: string;
  readonly opacity?: number;
  readonly size?: number;
  readonly shape?: string;
  readonly filled?: boolean;
  readonly point?: boolean;
  readonly stroke?: string;
  readonly strokeWidth?: number;
  readonly strokeDash?: readonly number[];
  /** Of a tick. */
  readonly thickness?: number;
  /** How points are joined; `step-after` keeps a value until the next row. */
  readonly interpolate?: "linear" | "step-after";
  readonly align?: "left" | "center" | "right";
  readonly baseline?: "top" | "middle" | "bottom";
  readonly dx?: number;
  readonly dy?: number;
  readonly fontWeight?: "normal" | "bold";
  readonly clip?: boolean;
  readonly tooltip?: boolean;
}

export interface ChartAxis {
  readonly title?: string | null;
  readonly format?: string;
  readonly values?: readonly (number | string)[];
  readonly labelAngle?: number;
  readonly labelLimit?: number;
  readonly labelOverlap?: boolean | "parity" | "greedy";
  readonly labelExpr?: string;
  readonly grid?: boolean;
  readonly ticks?: boolean;
  readonly tickMinStep?: number;
}

export interface ChartScale {
  readonly type?: "linear" | "log" | "band" | "point";
  readonly base?: number;
  readonly domain?: readonly (number | string)[];
  readonly range?: readonly string[];
  readonly zero?: boolean;
  readonly nice?: boolean;
  readonly paddingInner?: number;
}

/** What one visual channel shows: a field of the rows, or a constant in data (`datum`) or on screen (`value`). */
export interface ChartChannel {
  readonly field?: string;
  readonly type?: FieldType;
  readonly datum?: number | string;
  readonly value?: number | string;
  readonly aggregate?: "sum" | "max" | "min" | "mean" | "count";
  readonly title?: string | null;
  readonly format?: string;
  readonly axis?: ChartAxis | null;
  readonly scale?: ChartScale | null;
  readonly legend?: {
    readonly title?: string | null;
    readonly orient?: "top" | "bottom" | "right";
    readonly columns?: number;
    readonly labelLimit?: number;
  } | null;
  readonly sort?: readonly (number | string)[] | null;
  readonly stack?: "zero" | null;
}

/** Which column of the data decides which property of a mark: Vega-Lite's `encoding`. */
export interface ChartEncoding {
  readonly x?: ChartChannel;
  readonly x2?: ChartChannel;
  /** Places the members of one category side by side. */
  readonly xOffset?: ChartChannel;
  readonly y?: ChartChannel;
  readonly y2?: ChartChannel;
  readonly color?: ChartChannel;
  readonly detail?: ChartChannel;
  readonly order?: ChartChannel;
  readonly shape?: ChartChannel;
  readonly strokeDash?: ChartChannel;
  readonly text?: ChartChannel;
  readonly tooltip?: readonly ChartChannel[];
}

/** `filter` and `calculate` take a Vega expression, where `datum` is the row and a parameter goes by its name. */
export type ChartTransform =
  | { readonly filter: string }
  | { readonly calculate: string; readonly as: string }
  | {
      readonly aggregate: readonly {
        readonly op: "sum" | "max" | "min" | "mean" | "count";
        readonly field?: string;
        readonly as: string;
      }[];
      readonly groupby: readonly string[];
    };

/** A value that the reader of a live chart sets: a slider or a drop-down list. A picture shows `value`. */
export interface ChartParam {
  readonly name: string;
  readonly value: string | number;
  readonly bind:
    | {
        readonly input: "range";
        readonly name?: string;
        readonly min: number;
        readonly max: number;
        readonly step: number;
      }
    | {
        readonly input: "select";
        readonly name?: string;
        readonly options: readonly (string | number)[];
        readonly labels?: readonly string[];
      };
}

/** One thing drawn over another; data and channels left out are those of the chart. */
export interface ChartLayer {
  readonly data?: { readonly values: readonly ChartRow[] };
  readonly transform?: readonly ChartTransform[];
  readonly mark: ChartMark;
  readonly encoding: ChartEncoding;
}

/**
 * A chart as data: rows and how they are shown, in the part of Vega-Lite that versions 5 and 6 share.
 * Plain JSON; {@link vegaLite} makes it a whole Vega-Lite specification.
 */
export interface ChartSpec {
  /** An `expr` is a Vega expression, in which a parameter goes by its name. */
  readonly title: {
    readonly text: string | readonly string[] | { readonly expr: string };
    readonly subtitle?: string | readonly string[];
  };
  /** The alternative text: what the chart shows, stated as a finding in a sentence or two. Never empty. */
  readonly description: string;
  readonly data: { readonly values: readonly ChartRow[] };
  /** Pixels of the plot itself, without axes and legend; `step` is the width of each category. */
  readonly width: number | { readonly step: number };
  readonly height: number | { readonly step: number };
  readonly params?: readonly ChartParam[];
  readonly transform?: readonly ChartTransform[];
  readonly layer: readonly ChartLayer[];
  readonly encoding?: ChartEncoding;
}

/**
 * The whole Vega-Lite specification of a chart: marked as version 5, which Jupyter and VS Code know, and in the house theme.
 * @throws InputError when the alternative text is missing
 */
export const vegaLite = (spec: ChartSpec): object => {
  if (spec.description.trim() === "")
    throw new InputError({
      where: "chart description",
      value: spec.description,
      problem: "is empty",
      expected: "what the chart shows, in a sentence",
    });
  return { $schema: "https://vega.github.io/schema/vega-lite/v5.json", ...spec, config: theme };
};
