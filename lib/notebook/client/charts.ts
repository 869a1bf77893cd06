/**
 * Makes the charts of a page live. Bundled with vega-embed into one classic script, so that it works from file://.
 * Each figure holds a picture, which stays where a chart cannot be drawn and on paper.
 */
import embed, { type VisualizationSpec } from "vega-embed";

type Spec = VisualizationSpec & { readonly width?: unknown };

const draw = (place: HTMLElement, spec: Spec) =>
  embed(place, spec, { mode: "vega-lite", renderer: "svg", actions: false });

/** How small text may become before a chart is drawn anew for a narrow screen instead of being scaled by the style. */
const smallest = 0.8;

/** Charts with a step per category keep their shape and are only scaled. */
const drawToFit = async (figure: HTMLElement, place: HTMLElement, spec: Spec): Promise<void> => {
  const first = await draw(place, spec);
  figure.classList.add("live");
  const width = Math.floor(place.clientWidth / smallest);
  const drawn = Number(place.querySelector("svg")?.getAttribute("width"));
  if (typeof spec.width !== "number" || drawn <= width) return;
  first.finalize();
  await draw(place, { ...spec, width, autosize: { type: "fit-x", contains: "padding" } } as Spec);
};

for (const figure of document.querySelectorAll<HTMLElement>("figure.chart")) {
  const place = figure.querySelector<HTMLElement>(".vega");
  const text = figure.querySelector("script")?.textContent;
  if (place === null || text === undefined) continue;
  // The version in the schema's address is for notebook readers; the bundled version draws it as well.
  const { $schema: _, ...spec } = JSON.parse(text) as Spec & { $schema?: string };
  drawToFit(figure, place, spec as Spec).catch((error: unknown) => {
    figure.classList.remove("live");
    console.error(error);
  });
}
