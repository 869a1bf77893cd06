import { suite } from "uvu";
import * as assert from "uvu/assert";
import { readCorpus, replay } from "../differential/corpus.js";

const test = suite("corpus: what Linux did, on the model");

for (const [file, recorded] of readCorpus())
  test(`${file}: ${recorded.name}`, async () => assert.equal(await replay(recorded), []));

test.run();
