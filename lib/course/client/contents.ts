/** The contents are open where they stand beside the text, and closed where they would push it down. */
const contents = document.querySelector<HTMLDetailsElement>("details#contents");
if (contents !== null) contents.open = matchMedia("(min-width: 64rem)").matches;
