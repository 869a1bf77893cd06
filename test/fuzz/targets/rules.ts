import { answers } from "../../../lib/linux/agent.js";
import { parseConntrack, parseCounted, parsePing } from "../../../lib/linux/parseOutput.js";
import { compile } from "../../../lib/netfilter/compile.js";
import { parseSave } from "../../../lib/netfilter/parseSave.js";
import { printList, printSave } from "../../../lib/netfilter/print.js";
import { printConntrack } from "../../../lib/render/conntrack.js";
import { holds, reading, same, type Target } from "../target.js";

const words =
  `*filter *nat *mangle *raw COMMIT :INPUT :PREROUTING :POSTROUTING :OUTPUT :FORWARD :A ACCEPT DROP - [0:0] -A -I -N -P -D -j -g -p -s -d -i -o -m ! -f -c
  tcp udp icmp all 0 6 17 255 --dport --sport --dports --sports --ports 80 80:90 :90 80: 0:65535 1,2,3 multiport iprange --src-range --dst-range 10.0.0.1-10.0.0.9
  addrtype --dst-type --src-type LOCAL UNICAST BROADCAST mark --mark 0x4000/0x4000 0xffffffff comment --comment "a-b" statistic --mode random nth --probability 0.5 0.33333333349
  --every --packet conntrack state --ctstate --state NEW,ESTABLISHED INVALID DNAT SNAT MASQUERADE MARK --set-xmark --or-mark --and-mark --to-destination --to-source 10.0.0.1:80
  10.0.0.1-10.0.0.2:80-90 --random --random-fully --persistent --to-ports 1024-65535 REJECT --reject-with icmp-port-unreachable tcp-reset RETURN LOG 10.0.0.0/8 0.0.0.0/0
  10.0.0.0/255.0.0.0 eth0 eth+ + # \\"`.split(/\s+/);

const roundTrip = (input: string): void => {
  const rules = reading(() => parseSave(input, "rules"));
  if (rules === undefined) return;
  const printed = printSave(rules);
  const again = parseSave(printed, "what was printed");
  same("rules printed and read again", printSave(again), printed);
  compile(rules);
};

const counted = (input: string): void => {
  const rules = reading(() => parseCounted(input, "rules"));
  if (rules === undefined) return;
  const printed = printSave(rules, { counters: true });
  same(
    "counters printed and read again",
    printSave(parseCounted(printed, "what was printed"), { counters: true }),
    printed,
  );
  for (const { name } of rules.tables) holds("a list has lines", printList(rules, name).length > 0);
};

const connections = (input: string): void => {
  reading(() => parsePing(input));
  const entries = reading(() => parseConntrack(input));
  if (entries === undefined) return;
  const printed = printConntrack(entries);
  same("connections printed and read again", printConntrack(parseConntrack(printed)), printed);
};

/** What the agent says arrives in pieces, cut anywhere. */
const agent = (_: string, bytes: Uint8Array): void => {
  const whole: unknown[] = [];
  const inPieces: unknown[] = [];
  const told = (into: unknown[]) =>
    answers((id, { status, fields }) => into.push([id, status, ...fields.map(field => field.toString("latin1"))]));
  const refused = (action: () => void): boolean => {
    try {
      action();
      return false;
    } catch (error) {
      if (!/^the lab's agent says what is no answer: /.test((error as Error).message)) throw error;
      return true;
    }
  };
  const all = Buffer.from(bytes);
  const [atOnce, piece] = [told(whole), told(inPieces)];
  const isRefused = refused(() => atOnce(all));
  same(
    "refused in pieces",
    refused(() => {
      for (let at = 0; at < all.length; at += 7) piece(all.subarray(at, at + 7));
    }),
    isRefused,
  );
  same("answers in pieces", inPieces, whole);
};

export const rulesTargets: readonly Target[] = [
  {
    name: "save",
    about: "iptables-save text: what is read prints, and reads back, the same",
    format: "text",
    words,
    run: roundTrip,
  },
  {
    name: "counted",
    about: "iptables-save -c text of this machine, with its counters: what is read prints, and reads back, the same",
    format: "text",
    words: [...words, "[1:40]", "[9007199254740993:1]"],
    run: counted,
  },
  {
    name: "conntrack",
    about: "what conntrack -L and ping -n print: what is read prints, and reads back, the same",
    format: "text",
    words:
      "tcp udp icmp src= dst= sport= dport= type= code= id= 10.0.0.1 [UNREPLIED] [ASSURED] ESTABLISHED TIME_WAIT SYN_SENT 6 17 431999 bytes from icmp_seq=1 ttl=64 time=0.1 ms mark=0 use=1".split(
        " ",
      ),
    run: connections,
  },
  {
    name: "agent",
    about: "what the agent in a lab's namespaces answers: the same in one piece and in many",
    format: "bytes",
    words: [],
    run: agent,
  },
];
