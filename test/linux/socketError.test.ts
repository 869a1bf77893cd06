import { suite } from "uvu";
import * as assert from "uvu/assert";
import { bootLinux } from "../../lib/linux/boot.js";
import { ask, tellings } from "../net/stack.js";
import { canRunLinux } from "./need.js";

const test = suite("what Linux tells a program");

if (canRunLinux())
  test("as the table says that the model was made by", async () => {
    const wrong = await Promise.all(
      tellings.map(async ({ what, network, to = "10.1.1.2", port, tcp, udp }) => {
        const lab = await bootLinux(network);
        try {
          const got = await Promise.all([
            ask(lab, "a", to, port ?? 80),
            ask(lab, "a", to, port ?? 53, { proto: "udp" }),
          ]);
          return [
            { what: `${what}, TCP`, got: got[0], expected: tcp },
            { what: `${what}, UDP`, got: got[1], expected: udp },
          ].filter(({ got: one, expected }) => one !== expected);
        } finally {
          await lab.close();
        }
      }),
    );
    assert.equal(wrong.flat(), []);
  });
else test("cannot be seen here", () => undefined);

test.run();
