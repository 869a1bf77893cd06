import { suite } from "uvu";
import * as assert from "uvu/assert";
import { InputError } from "../../lib/errors.js";
import { show } from "../../lib/course/show.js";
import { tableHtml, tableOf, tableText } from "../../lib/course/dataTable.js";

const table = suite("tables");

table("take their columns from the records, numbers to the right", () => {
  const records = [
    { node: "aks-0", ports: 1024 },
    { node: "aks-1", ports: 8, note: "<b>&\"'" },
  ];
  assert.is(
    tableText(tableOf(records)),
    `
node   ports  note
-----  -----  ------
aks-0   1024
aks-1      8  <b>&"'`.slice(1),
  );
  const html = tableHtml({ ...tableOf(records), caption: "<i>" });
  assert.match(html, "<caption>&lt;i&gt;</caption>");
  assert.match(html, '<td style="text-align: right">1024</td><td style="text-align: left"></td>');
  assert.match(html, "&lt;b&gt;&amp;&quot;&#39;");
});

table("may have more rows than a call has arguments", () => {
  const rows = Array.from({ length: 300_000 }, (_, i) => [i, "x"]);
  assert.is(tableText({ columns: ["row", "x"], rows }).split("\n").length, 300_002);
  assert.ok(tableHtml({ columns: ["row", "x"], rows }).length > 300_000);
});

table("refuse a row of another length", () => {
  assert.throws(
    () => tableText({ columns: ["a", "b"], rows: [[1, 2], [3]] }),
    (error: unknown) =>
      error instanceof InputError && error.message === "table: row 1: [3] has 1 values; expected 2, one per column",
  );
});

table("may be empty", () => {
  assert.is(tableText(tableOf([])), "\n");
  assert.match(tableHtml({ columns: ["a"], rows: [] }), "<tbody>");
});

table.run();

const outside = suite("show outside tslab");

outside("prints the text of whatever it is", async () => {
  const printed: string[] = [];
  const log = console.log;
  console.log = (text: string) => void printed.push(text);
  try {
    show("one\ntwo");
    show([{ a: 1 }]);
    show({ columns: ["b"], rows: [["x"]] });
    show({ svg: "<svg/>", alt: "A path." });
    await show({
      title: { text: "t" },
      description: "Ports rise.",
      data: { values: [] },
      width: 10,
      height: 10,
      layer: [],
    });
  } finally {
    console.log = log;
  }
  assert.equal(printed, ["one\ntwo", "a\n-\n1", "b\n-\nx", "A path.", "Ports rise."]);
});

outside.run();
