import * as assert from "uvu/assert";
import { InputError } from "../lib/errors.js";

/** The text of the InputError that an action throws; any other outcome fails the test. */
export const message = (action: () => unknown): string => {
  try {
    action();
  } catch (error) {
    assert.instance(error, InputError);
    return (error as Error).message;
  }
  throw new Error("expected an InputError, nothing was thrown");
};
