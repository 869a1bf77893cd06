import { readFileSync } from "node:fs";

/** Advance widths, in units of the em square, of some characters of a TrueType file: its cmap (format 4) and hmtx tables. */
export const advancesOf = (
  file: URL,
  characters: readonly string[],
): { readonly em: number; readonly widths: readonly number[] } => {
  const font = readFileSync(file);
  const tables = new Map(
    Array.from(
      { length: font.readUInt16BE(4) },
      (_, i) => [font.toString("latin1", 12 + 16 * i, 16 + 16 * i), font.readUInt32BE(20 + 16 * i)] as const,
    ),
  );
  const at = (name: string) => tables.get(name)!;
  const subtables = Array.from(
    { length: font.readUInt16BE(at("cmap") + 2) },
    (_, i) => at("cmap") + font.readUInt32BE(at("cmap") + 8 + 8 * i),
  );
  const map = subtables.find(offset => font.readUInt16BE(offset) === 4)!;
  const segments = font.readUInt16BE(map + 6) / 2;
  const column = (index: number, segment: number) =>
    map + 14 + (index === 0 ? 0 : 2) + 2 * (index * segments + segment);
  const glyph = (code: number): number => {
    for (let segment = 0; segment < segments; segment++) {
      if (code > font.readUInt16BE(column(0, segment))) continue;
      const start = font.readUInt16BE(column(1, segment));
      const delta = font.readUInt16BE(column(2, segment));
      const offset = font.readUInt16BE(column(3, segment));
      if (code < start) return 0;
      if (offset === 0) return (code + delta) & 0xffff;
      return font.readUInt16BE(column(3, segment) + offset + 2 * (code - start));
    }
    return 0;
  };
  const last = font.readUInt16BE(at("hhea") + 34) - 1;
  return {
    em: font.readUInt16BE(at("head") + 18),
    widths: characters.map(character =>
      font.readUInt16BE(at("hmtx") + 4 * Math.min(glyph(character.charCodeAt(0)), last)),
    ),
  };
};
