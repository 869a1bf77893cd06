/** Text made safe inside XML, in attributes too. Characters that XML does not allow are left out. */
const escapeXml = (text: string): string =>
  text
    .replace(/[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\u{10000}-\u{10ffff}]/gu, "")
    .replace(
      /[&<>"']/g,
      character => ({ "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&#39;" })[character]!,
    );

type Attributes = Readonly<Record<string, string | number | undefined>>;

/** An SVG element; every attribute's value is escaped, `inside` is SVG already. */
export const element = (name: string, attributes: Attributes, inside = ""): string => {
  const list = Object.entries(attributes).flatMap(([key, value]) =>
    value === undefined
      ? []
      : ` ${key}="${escapeXml(typeof value === "number" ? String(Math.round(value * 100) / 100) : value)}"`,
  );
  return inside === "" ? `<${name}${list.join("")}/>` : `<${name}${list.join("")}>${inside}</${name}>`;
};

/** A line of text, escaped. */
export const textElement = (text: string, attributes: Attributes): string =>
  element("text", attributes, escapeXml(text));
