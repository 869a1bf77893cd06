/**
 * Makes the charts of a page live. Bundled with vega-embed into one classic script, so that it works from file://.
 * Each figure holds a picture, which stays where a chart cannot be drawn and on paper.
 */
import embed, { type VisualizationSpec } from "vega-embed";

type Spec = VisualizationSpec & { readonly width?: unknown };

/** Expressions are interpreted (`ast`), as the pages' policy lets no text become code. */
const draw = (place: HTMLElement, spec: Spec) =>
  embed(place, spec, { mode: "vega-lite", renderer: "svg", actions: false, ast: true });

/** How small text may become before a chart is drawn anew for a narrow screen instead of being scaled by the style. */
const smallest = 0.8;

/** Charts with a step per category keep their shape and are only scaled. */
const drawToFit = async (figure: HTMLElement, place: HTMLElement, text: string): Promise<void> => {
  // The version in the schema's address is for notebook readers; the bundled version draws it as well.
  // What a specification says to vega-embed (`usermeta`) could undo what is set above.
  const { $schema: _, usermeta: __, ...spec } = JSON.parse(text) as Spec & { $schema?: string; usermeta?: unknown };
  const first = await draw(place, spec as Spec);
  figure.classList.add("live");
  const width = Math.floor(place.clientWidth / smallest);
  const drawn = Number(place.querySelector("svg")?.getAttribute("width"));
  if (typeof spec.width !== "number" || drawn <= width) return;
  first.finalize();
  await draw(place, { ...spec, width, autosize: { type: "fit-x", contains: "padding" } } as Spec);
};

for (const figure of document.querySelectorAll<HTMLElement>("figure.chart")) {
  const place = figure.querySelector<HTMLElement>(".vega");
  const text = place?.dataset["spec"];
  if (place === null || text === undefined) continue;
  drawToFit(figure, place, text).catch((error: unknown) => {
    figure.classList.remove("live");
    console.error(error);
  });
}
