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

/** The same of an action that takes its time; the text is one line. */
export const fails = async (action: () => Promise<unknown>): Promise<string> => {
  try {
    await action();
  } catch (error) {
    assert.instance(error, InputError);
    assert.not.match((error as Error).message, /\n/);
    return (error as Error).message;
  }
  throw new Error("expected an InputError, nothing was thrown");
};
