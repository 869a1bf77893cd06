/** The colours of Okabe and Ito, told apart by readers of every colour vision. */
export const colours = {
  blue: "#0072b2",
  sky: "#56b4e9",
  green: "#009e73",
  orange: "#e69f00",
  pink: "#cc79a7",
  yellow: "#f0e442",
  /** Limits and failures, nothing else. */
  alarm: "#d55e00",
  ink: "#1f2328",
  muted: "#57606a",
  line: "#d0d7de",
  paper: "#ffffff",
} as const;

/** For series and parts, in this order. */
export const palette: readonly string[] = [
  colours.blue,
  colours.orange,
  colours.green,
  colours.sky,
  colours.pink,
  colours.yellow,
  "#7f7f7f",
  "#332288",
];

export const fontFamily = "DejaVu Sans, Verdana, sans-serif";

const axis = {
  labelColor: colours.ink,
  titleColor: colours.ink,
  domainColor: colours.muted,
  tickColor: colours.muted,
  gridColor: "#e7ebef",
  labelFontSize: 12,
  titleFontSize: 12,
  titleFontWeight: "normal",
  titlePadding: 8,
};

/** Vega-Lite configuration of every chart. The background is part of it, so a chart reads the same on light and dark pages. */
export const theme: object = {
  background: colours.paper,
  padding: 12,
  font: fontFamily,
  title: {
    anchor: "start",
    frame: "bounds",
    fontSize: 15,
    fontWeight: "bold",
    color: colours.ink,
    offset: 12,
    subtitleFontSize: 12,
    subtitleColor: colours.muted,
    subtitlePadding: 5,
  },
  axis,
  axisX: { grid: false },
  legend: {
    labelColor: colours.ink,
    titleColor: colours.ink,
    labelFontSize: 12,
    titleFontSize: 12,
    titleFontWeight: "normal",
    labelLimit: 300,
    symbolStrokeWidth: 2,
  },
  range: { category: palette },
  view: { stroke: null },
  line: { strokeWidth: 2 },
  text: { fontSize: 12, color: colours.ink },
};
