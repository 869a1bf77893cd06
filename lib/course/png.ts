import { fileURLToPath } from "node:url";

const font = (name: string): string => fileURLToPath(import.meta.resolve(`dejavu-fonts-ttf/ttf/${name}.ttf`));

/**
 * Turns SVG into PNG at twice its size, with the package's own DejaVu fonts and no others, so every machine makes the same picture.
 * Node only.
 */
export const svgToPng = async (svg: string): Promise<Uint8Array> => {
  const { Resvg } = await import("@resvg/resvg-js");
  const picture = new Resvg(svg, {
    font: {
      loadSystemFonts: false,
      fontFiles: [font("DejaVuSans"), font("DejaVuSans-Bold")],
      defaultFontFamily: "DejaVu Sans",
    },
    fitTo: { mode: "zoom", value: 2 },
  });
  return new Uint8Array(picture.render().asPng());
};
