import { suite } from "uvu";
import * as assert from "uvu/assert";
import { articleScenario } from "../../lib/scenario/article.js";
import { openSession } from "../../lib/shell/session.js";
import { fails } from "../message.js";

const pod = "whereami-564765b89-vdkjd";
const vm = "jose@testvm:~$";
const node = "jose@aks-nodepool1-35377101-1:~$";

const commands = suite("commands");

commands("of a shell in a pod are run", async () => {
  const session = await openSession(articleScenario);
  const exec = (command: string): Promise<string> => session.sh(`kubectl exec ${pod} -- ${command}`);
  const page = await exec("curl -s ifconfig.co");
  assert.is(await exec("sh -c 'curl -s ifconfig.co'"), page);
  assert.is(await exec("/bin/bash -c 'curl -s ifconfig.co'"), page);
  assert.is(await exec(`sh -c "curl -s ifconfig.co; hostname"`), `${page}\n${pod}`);
  assert.is(await exec("sh -c 'a=$(hostname) && echo \"$a is $(hostname)\"'"), `${pod} is ${pod}`);
  assert.is(await exec("sh -c 'echo one || echo two; echo three | grep -c r'"), "one\n1");
  assert.is(await exec(`sh -c "sh -c 'echo deep'"`), "deep");
  assert.is(await exec("sh -c 'echo a | grep b'"), "command terminated with exit code 1");
  assert.is(await exec("sh -c 'echo a | grep b || echo none'"), "none");
  assert.is(await exec("sh -c 'echo a | grep b && echo none; echo end'"), "end");
  assert.is(await exec("echo hi"), "hi");
  assert.match(await exec("sh -c 'ping -c 1 10.13.1.4 | grep received'"), /^1 packets transmitted, 1 received/);
  assert.match(await exec(`sh -c 'tcpdump -c 1 icmp; echo then'`), /\^C\nthen$/);
});

commands("joined by && and || run by what came before, at the workstation and at a prompt", async () => {
  const session = await openSession(articleScenario);
  assert.is(await session.sh("echo a && echo b || echo c"), "a\nb");
  assert.is(await session.sh("echo a | grep -q b && echo b || echo c"), "c");
  assert.is(await session.sh(`${vm} hostname | grep -q testvm && hostname`), "testvm");
  assert.is(await session.sh(`${vm} echo $(hostname)`), "testvm", "a command's place is where it is typed");
});

commands("that would do nothing are refused by name", async () => {
  const session = await openSession(articleScenario);
  const table: readonly (readonly [string, RegExp])[] = [
    [`k exec ${pod} -- sh`, /^sh: "" has no terminal to read from; expected kubectl exec -it, or sh -c 'COMMAND'/],
    [`k exec ${pod} -- sh script.sh`, /^sh: "script.sh" is not known/],
    [`k exec ${pod} -- sh -x`, /^sh: "-x" is not a known flag; expected -c/],
    [`k exec ${pod} -- sh -c 'echo $rg'`, /"\$rg" is not set/],
    [`k exec ${pod} -- sh -c 'nmap x'`, /"nmap" is not known; expected ping, .*, echo, sleep$/],
    [`k exec ${pod} -- sh -c 'echo a > b'`, /has >, which this shell does not have/],
    [`k exec ${pod} -- sh -c 'tcpdump &'`, /would leave a program behind/],
    [`k exec ${pod} -- sh -c 'a=1 hostname'`, /"a=" stands in front of a command/],
    ["a=1 echo b", /"a=" stands in front of a command/],
    ["echo -n a", /^echo: "-n" is not a known flag/],
    ["fg %1", /"fg %1" is not known/],
    ["echo a | tail", /"tail" cannot stand after a pipe here; expected grep/],
    [`${vm} iptables -t nat -S`, /^iptables: "-S" is not a known flag/],
    [`${vm} iptables -L`, /expected iptables \[-t TABLE\] -vxnL/],
  ];
  for (const [command, expected] of table) assert.match(await fails(() => session.sh(command)), expected, command);
  assert.is(await session.sh(`k exec -it ${pod} -- bash`), "", "at a terminal a shell waits for its lines");
});

commands("refuse a flag and an argument that they do not know", async () => {
  const session = await openSession(articleScenario);
  const each: readonly string[] = [
    `${vm} ping -c 1 10.13.1.4`,
    `${vm} curl -s ifconfig.co`,
    `${vm} tcpdump -r file`,
    `${node} iptables -vxnL`,
    `${node} iptables-save`,
    `${node} conntrack -L`,
    `${node} ip addr`,
    `${node} hostname`,
    `${node} systemctl status kubelet`,
    `${node} sudo`,
    `${vm} sleep`,
    `${vm} bash`,
    "kubectl get pod",
    "kubectl apply -f x",
    `kubectl exec ${pod}`,
    "kubectl config get-contexts",
    "kubectl scale deployment whereami --replicas=2",
    "az aks show -g myRg -n azurecluster",
    "az aks list",
    "az aks enable-addons -a http_application_routing -g akstest -n azurecluster",
    "az aks disable-addons -a http_application_routing -g akstest -n azurecluster",
    "az network lb list",
    "echo x | grep x",
  ];
  for (const command of each)
    for (const extra of ["-Z", "--no-such-flag"])
      assert.match(
        await fails(() => session.sh(`${command} ${extra}`)),
        /"[^"]*(?:-Z|--no-such-flag)[^"]*" (?:is|cannot)/,
        `${command} ${extra}`,
      );
});

commands.run();
