import fc from "fast-check";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { InputError } from "../../lib/errors.js";
import { formatTime, parseTime } from "../../lib/scenario/time.js";

const time = suite("parseTime");

const read = (text: unknown): number | undefined => {
  try {
    return parseTime(text as string, "at");
  } catch (error) {
    assert.instance(error, InputError);
    return undefined;
  }
};

time("refuses what no calendar has", () => {
  for (const date of ["2019-02-29", "2019-02-30", "2019-04-31", "2100-02-29", "1900-02-29", "2019-00-10", "2019-13-01"])
    assert.is(read(`${date}T00:00:00Z`), undefined, date);
  for (const text of ["9999-12-31T23:59:59-23:59", "0000-01-01T00:00:00+00:01"])
    assert.is(read(text), undefined, "in UTC its year has no four digits");
  for (const date of ["2020-02-29", "2000-02-29", "2019-12-31", "0004-02-29"])
    assert.type(read(`${date}T00:00:00Z`), "number", date);
  assert.is(read("2019-02-12T24:00:00Z"), undefined);
  assert.is(read("2019-02-12T23:59:60Z"), undefined);
});

time("gives back every moment of four-digit years", () => {
  fc.assert(
    fc.property(fc.integer({ min: -62135596800, max: 253402300799 }), seconds =>
      assert.is(parseTime(formatTime(seconds), "at"), seconds),
    ),
  );
});

time("returns or throws an InputError, whatever is given", () => {
  fc.assert(fc.property(fc.anything(), given => void read(given)));
  fc.assert(
    fc.property(
      fc.stringMatching(/^\d{4}-[01]\d-[0-3]\dT[0-2]\d:[0-5]\d:[0-5]\d(\.\d{1,9})?(Z|[+-]\d\d:\d\d)$/),
      text => {
        const seconds = read(text);
        if (seconds !== undefined) assert.ok(Number.isFinite(seconds));
      },
    ),
  );
});

time.run();
