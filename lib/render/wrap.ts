const width = 100;

/** Breaks a line at spaces so that it fits; what follows is indented by `indent`. A word that is too long is cut. */
export const wrap = (line: string, indent: number): readonly string[] => {
  if (line.length <= width) return [line];
  const space = line.lastIndexOf(" ", width);
  const at = space > indent ? space : width;
  return [line.slice(0, at), ...wrap(" ".repeat(indent) + line.slice(space > indent ? at + 1 : at), indent)];
};
