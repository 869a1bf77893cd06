import fc from "fast-check";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { InputError } from "../../lib/errors.js";
import type { Lab } from "../../lib/net/lab.js";
import { bootModel } from "../../lib/net/model.js";
import { articleAt, articleScenario } from "../../lib/scenario/article.js";
import { whereamiIngress } from "../../lib/scenario/manifests.js";
import { smallCluster } from "../../lib/scenario/small.js";
import { openSession, type SessionOptions } from "../../lib/shell/session.js";
import type { Session } from "../../lib/shell/command.js";
import { fails } from "../message.js";

const vm = "10.13.1.4";
const azurePod = "whereami-564765b89-vdkjd";
const kubenetPod = "whereami-564765b89-d8rdb";
const node = "aks-nodepool1-35377101-1";

const article = (options: SessionOptions = {}): Promise<Session> => openSession(articleScenario, options);

const kubectl = suite("kubectl");

kubectl("lists each kind under each of its names", async () => {
  const session = await article();
  for (const words of [
    ["node", "nodes", "no"],
    ["pod", "pods", "po"],
    ["svc", "service", "services"],
    ["deploy", "deployment", "deployments"],
    ["ing", "ingress", "ingresses"],
  ]) {
    const answers = new Set(await Promise.all(words.map(word => session.sh(`kubectl get ${word}`))));
    assert.is(answers.size, 1);
    assert.match([...answers][0]!, /^NAME .*AGE/);
  }
});

kubectl("finds by name, namespace and label", async () => {
  const session = await article();
  assert.match(await session.sh(`k get pod ${azurePod}`), new RegExp(`^NAME.*\n${azurePod} +1/1[^\n]*$`));
  assert.match(await session.sh(`k get pod/${azurePod} -o name`), new RegExp(`^pod/${azurePod}$`));
  assert.match(
    await session.sh("k get svc kube-dns -n kube-system"),
    /kube-dns +ClusterIP +10\.0\.0\.10 +<none> +53\/UDP,53\/TCP/,
  );
  assert.is((await session.sh("k get pod -l app=whereami -o name")).split("\n").length, 2);
  assert.is((await session.sh("k get pod -l app!=whereami -o name")).split("\n").length, 2);
  assert.is(await session.sh("k get pod -l app=nobody"), "No resources found.");
  assert.match(
    await session.sh("k get deploy --all-namespaces -o wide | grep '^default '"),
    /^default +whereami +2 +2 +2 +2 .*\ndefault +whereami-ingress/,
  );
});

kubectl("prints objects as JSON, YAML and names", async () => {
  const session = await article();
  const pod = JSON.parse(await session.sh(`k get pod ${azurePod} -o json`)) as {
    kind: string;
    status: { podIP: string };
  };
  assert.equal([pod.kind, pod.status.podIP], ["Pod", "10.13.76.13"]);
  const list = JSON.parse(await session.sh("k get pod -ojson")) as { kind: string; items: readonly unknown[] };
  assert.equal([list.kind, list.items.length], ["List", 4]);
  assert.match(await session.sh("k get node -o=yaml"), /^apiVersion: v1\nitems:\n- apiVersion: v1\n  kind: Node/);
  assert.is(
    await session.sh("k get deploy -o name"),
    "deployment.extensions/whereami\ndeployment.extensions/whereami-ingress",
  );
});

kubectl("says what is known", async () => {
  const session = await article();
  const table: readonly (readonly [string, RegExp])[] = [
    ["k", /^kubectl: "" is not a command known here; expected get, apply, exec, config, scale$/],
    ["k describe pod", /"describe" is not a command known here/],
    ["k get", /lacks a kind of object/],
    ["k get secret", /"secret" is not a kind of object known here; expected node, nodes, no, pod/],
    ["k get pod nobody", /^kubectl get pod: "nobody" does not exist; expected whereami-564765b89-vdkjd/],
    ["k get pod -o xml", /expected wide, json, yaml, name/],
    ["k get pod -n nowhere", /"nowhere" is not a namespace; expected default, kube-system/],
    ["k get pod --watch", /"--watch" is not a known flag/],
    ["k get pod -l 'a b'", /is not a label selector/],
    ["k exec nobody -- ping 1.2.3.4", /^kubectl exec: "nobody" is not a running pod here/],
    [`k exec ${azurePod}`, /has no command/],
    [`k exec ${azurePod} ls -- ping`, /is not known before --/],
    [`k exec ${azurePod} -- nmap`, /"nmap" is not known; expected ping, curl, tcpdump/],
    ["k config use-context nowhere", /"nowhere" is not a cluster of this lab; expected azurecluster, kubenetcluster/],
    ["k config view", /expected use-context NAME, current-context, get-contexts/],
    ["k apply", /names no file/],
    ["k apply -f x.yaml", /"x.yaml" cannot be read here/],
    ["k scale deployment whereami", /lacks --replicas/],
    ["k scale deployment whereami --replicas=-1", /a whole number from 0/],
    [
      "k scale deployment nobody --replicas=1",
      /"nobody" is not a deployment here; expected whereami, whereami-ingress/,
    ],
    ["k scale pod whereami --replicas=1", /is not a deployment/],
  ];
  for (const [command, expected] of table) assert.match(await fails(() => session.sh(command)), expected);
});

kubectl("switches contexts", async () => {
  const session = await article();
  assert.is(await session.sh("k config current-context"), "azurecluster");
  assert.is(await session.sh("k config use-context kubenetcluster"), 'Switched to context "kubenetcluster".');
  assert.is(session.context, "kubenetcluster");
  assert.match(await session.sh("k config get-contexts"), /\n {10}azurecluster .*\n\* {9}kubenetcluster /);
  assert.equal(
    session
      .getPods()
      .map(({ name }) => name)
      .slice(0, 1),
    [kubenetPod],
  );
});

kubectl("applies manifests: created, unchanged, configured", async () => {
  let yaml = whereamiIngress.yaml;
  const session = await openSession(articleAt("azurePing"), { readFile: () => yaml });
  assert.is(
    await session.sh("k apply -f whereami-ingress.yaml"),
    "deployment.apps/whereami-ingress created\nservice/whereami-ingress created\ningress.extensions/whereami-ingress created",
  );
  assert.is(session.getPods().length, 4);
  const lab = session.lab;
  assert.is(
    await session.sh("k apply -f whereami-ingress.yaml"),
    "deployment.apps/whereami-ingress unchanged\nservice/whereami-ingress unchanged\ningress.extensions/whereami-ingress unchanged",
  );
  assert.is(session.lab, lab, "nothing changed, so nothing was booted");
  yaml = yaml.replace("replicas: 2", "replicas: 3");
  assert.match(
    await session.sh("k apply -f whereami-ingress.yaml"),
    /^deployment.apps\/whereami-ingress configured\nservice\/whereami-ingress unchanged/,
  );
  assert.is(session.getPods().length, 5);
  yaml = "kind: Secret";
  assert.match(
    await fails(() => session.sh("k apply -f x.yaml")),
    /^x\.yaml:1 document 1 kind: "Secret" is not known; expected Deployment, Service, Ingress$/,
  );
  assert.is(session.getPods().length, 5);
});

kubectl("names a file that cannot be read", async () => {
  const session = await article({
    readFile: path => Promise.reject(new Error(`ENOENT: no such file, open '${path}'`)),
  });
  assert.match(
    await fails(() => session.sh("k apply -f ./gone.yaml")),
    /^kubectl apply -f: ".\/gone.yaml" cannot be read \(ENOENT: .*\); expected a manifest file$/,
  );
});

kubectl("scales, and shows the pods that find no place", async () => {
  const session = await article();
  assert.is(await session.sh("k scale deployment/whereami --replicas=40"), "deployment.extensions/whereami scaled");
  const pods = await session.sh("k get pod -o wide");
  assert.match(pods, / 0\/1 +Pending +0 +\d+m +<none> +<none> +<none>/);
  assert.is(session.getPods().length + session.getPendingPods().length, 42);
  assert.is(await session.sh("k scale deployment whereami --replicas 1"), "deployment.extensions/whereami scaled");
  assert.is(session.getPendingPods().length, 0);
});

kubectl.run();

const az = suite("az");

az("shows clusters and load balancers, through JMESPath and in each format", async () => {
  const session = await article();
  assert.is(
    await session.sh("az aks show -g $rg -n $aksname_kubenet --query nodeResourceGroup -o tsv"),
    "MC_akstest_kubenetcluster_westeurope",
  );
  assert.is(
    await session.sh("az aks show --resource-group akstest --name azurecluster --query networkProfile.networkPlugin"),
    '"azure"',
  );
  assert.is(
    await session.sh('az network lb list --query "[0].frontendIpConfigurations[].publicIpAddress.keys(@)" -o tsv'),
    "id\nid",
  );
  assert.is(
    await session.sh("az network lb list --query '[].{Name:name,Group:resourceGroup}[0]' -o table"),
    ["Name        Group", `----------  ${"-".repeat(34)}`, "kubernetes  MC_akstest_azurecluster_westeurope"].join("\n"),
  );
  assert.is(
    await session.sh("az network lb list -g MC_AKSTEST_azurecluster_westeurope --query [].[name,sku.name] -o table"),
    "Column1     Column2\n----------  ---------\nkubernetes  Basic",
  );
  assert.is(await session.sh("az network lb list -g akstest"), "[]");
  assert.match(
    await session.sh("az aks list -o table"),
    /^Name +Location +ResourceGroup +KubernetesVersion +ProvisioningState\n-.*\nazurecluster +westeurope +akstest +1\.11\.5 +Succeeded\n/,
  );
  assert.is(await session.sh("az aks list --query 'length(@)' -o yaml"), "2");
});

az("lists public addresses, by the ids that frontends hold", async () => {
  const session = await article();
  assert.is(
    await session.sh("az network public-ip list --query [].ipAddress -o tsv"),
    "104.45.15.171\n104.46.56.131\n137.117.164.147\n104.214.236.151\n198.51.100.4",
  );
  assert.is(
    await session.sh("az network public-ip list -g akstest --query [].[name,ipAddress] -o tsv"),
    "testvmPublicIP\t198.51.100.4",
  );
  const ids = (command: string) => session.sh(`az network ${command} -o tsv`);
  assert.is(
    await ids("public-ip list --query '[?sku.name==`Basic`]|[0:4].id'"),
    await ids("lb list --query [].frontendIpConfigurations[].publicIpAddress.id"),
  );
});

az("prints nothing where a query finds nothing, whatever the format", async () => {
  const session = await article();
  for (const format of ["json", "tsv", "table", "yaml", "none"])
    for (const query of ["constructor", "nope", "[0].name.nope", "[0].toString"])
      assert.is(await session.sh(`az aks list --query '${query}' -o ${format}`), "", `${query} ${format}`);
  assert.is(
    await session.sh("az network lb list --query '[].frontendIpConfigurations[].publicIpAddress.ipAddress'"),
    "[]",
  );
  assert.is(await session.sh("az aks list --query '[].nope'"), "[]");
});

az("spells its output as the era's az did", async () => {
  const old = await article();
  const today = await openSession({ ...articleScenario, era: "2023" });
  const keys = (session: Session, command: string) => session.sh(`az ${command} -o tsv`);
  const rows: readonly (readonly [command: string, old: string, today: string])[] = [
    ["aks show -g akstest -n azurecluster --query networkProfile.dnsServiceIp", "10.0.0.10", ""],
    ["aks show -g akstest -n azurecluster --query networkProfile.dnsServiceIP", "", "10.0.0.10"],
    ["aks show -g akstest -n azurecluster --query agentPoolProfiles[].upgradeSettings.maxSurge", "", "10%"],
    ["network lb list --query 'length([].frontendIpConfigurations[].publicIpAddress.id)'", "4", "0"],
    ["network lb list --query 'length([].frontendIPConfigurations[].publicIPAddress.id)'", "0", "4"],
    ["network lb list --query '[0].loadBalancingRules[0].enableFloatingIp'", "true", ""],
    ["network lb list --query '[0].loadBalancingRules[0].enableFloatingIP'", "", "true"],
  ];
  for (const [command, before, now] of rows) {
    assert.is(await keys(old, command), before, command);
    assert.is(await keys(today, command), now, command);
  }
});

az("switches the add-on off and on", async () => {
  const session = await article();
  const services = async () =>
    (await session.sh("k get svc -n kube-system -o name | grep routing")).split("\n").filter(name => name !== "")
      .length;
  assert.is(await services(), 2);
  await session.sh("az aks disable-addons -a http_application_routing -g $rg -n azurecluster -o none");
  assert.is(await services(), 0);
  assert.match(
    await session.sh("az aks enable-addons -a http_application_routing -g $rg -n azurecluster"),
    /"httpApplicationRouting": \{\n +"enabled": true/,
  );
  assert.is(await services(), 2);
  assert.match(await session.sh("k get svc -n kube-system"), /nginx-ingress +LoadBalancer .* 0s\n/);
});

az("says what is known", async () => {
  const session = await article();
  const table: readonly (readonly [string, RegExp])[] = [
    [
      "az",
      /expected aks show, aks list, aks enable-addons, aks disable-addons, network lb list, network public-ip list/,
    ],
    ["az vm list", /"vm list" is not a command known here/],
    ["az aks show", /^az aks show: "" lacks -g/],
    ["az aks show -g akstest -n nobody", /^az aks show -n: "nobody" is not a cluster of this lab/],
    ["az aks show -g other -n azurecluster", /"other" holds no cluster; expected akstest/],
    [
      "az aks enable-addons -a monitoring -g akstest -n azurecluster",
      /is not an add-on known here; expected http_application_routing/,
    ],
    ["az network lb list -g nowhere", /"nowhere" does not exist; expected akstest, MC_akstest_azurecluster_westeurope/],
    ["az aks list -o xml", /expected json, tsv, table, yaml, none/],
    ["az aks list --query '[[['", /^az --query: "\[\[\[" is not right/],
    ["az aks list --subscription x", /"--subscription" is not a known flag/],
  ];
  for (const [command, expected] of table) assert.match(await fails(() => session.sh(command)), expected);
});

az.run();

const machines = suite("machines");

machines("ping ends as it was started", async () => {
  const session = await article({ pingCount: 2 });
  const lines = async (command: string) => (await session.sh(command)).split("\n");
  assert.is((await lines(`k exec ${azurePod} -- ping ${vm}`)).at(-1), "^C");
  assert.match(
    await session.sh(`k exec ${azurePod} -it -- ping ${vm}`),
    /icmp_seq=2 .*\n\^C\n--- 10\.13\.1\.4 ping statistics ---\n2 packets transmitted, 2 received, 0% packet loss/,
  );
  assert.match(await session.sh(`k exec ${azurePod} ping ${vm} -c 1`), /icmp_seq=1 ttl=64 .*\n\n--- /);
  assert.match(await session.sh(`[root@${azurePod} /]# ping -c1 testvm`), /^PING testvm \(10\.13\.1\.4\)/);
  assert.match(
    await session.sh(`k exec ${azurePod} -- ping -c 1 ifconfig.co`),
    /100% packet loss, time 0ms\ncommand terminated with exit code 1$/,
  );
});

machines("ping asks before it goes to a broadcast address", async () => {
  const session = await article();
  const question = "ping: Do you want to ping broadcast? Then -b. If not, check your local firewall rules";
  for (const address of ["255.255.255.255", "10.13.1.255"]) {
    assert.is(await session.sh(`[jose@testvm ~]$ ping -c 1 ${address}`), question);
    assert.match(
      await session.sh(`[jose@testvm ~]$ ping -b -c 1 ${address}`),
      /^WARNING: pinging broadcast address\nPING [0-9.]+ \([0-9.]+\) 56\(84\) bytes of data\.\n\n--- .*\n1 packets transmitted, 0 received, 100% packet loss/,
    );
  }
  assert.match(
    await session.sh(`[jose@testvm ~]$ ping -c 1 0.0.0.0`),
    /^PING 0\.0\.0\.0 \(127\.0\.0\.1\) .*\n64 bytes from 127\.0\.0\.1: icmp_seq=1 ttl=64 /,
  );
});

machines("take one second a request", async () => {
  const session = await article();
  const before = session.now;
  await session.sh(`k exec ${azurePod} -- ping -c 5 ${vm}`);
  assert.is(Math.round(session.now - before), 5);
});

machines("ping says why nobody answers", async () => {
  const session = await article();
  session.useContext("kubenetcluster");
  assert.match(
    await session.sh(`k exec ${kubenetPod} -it -- ping -c 1 -t 1 ${vm}`),
    /^From 192\.168\.1\.1 icmp_seq=1 Time to live exceeded$/m,
  );
  assert.match(await session.sh(`k exec ${kubenetPod} -it -- ping -c 1 192.168.7.7`), /100% packet loss/);
});

machines("curl reaches sites, services by name, and says why not", async () => {
  const session = await article();
  session.useContext("kubenetcluster");
  assert.is(await session.sh(`k exec ${kubenetPod} -- curl -s ifconfig.co`), "137.117.164.147");
  assert.is(await session.sh(`k exec ${kubenetPod} -- curl -s http://${vm}:80/x`), "10.13.77.4");
  for (const name of ["whereami-ingress", "whereami-ingress.default", "whereami-ingress.default.svc.cluster.local"])
    assert.match(await session.sh(`k exec ${kubenetPod} -- curl -s ${name}`), /^pod: default\/whereami-ingress-/);
  assert.match(
    await session.sh(`k exec ${kubenetPod} -- curl ${vm}:81`),
    /^curl: \(7\) Failed to connect to 10\.13\.1\.4 port 81: Connection refused\ncommand terminated with exit code 7$/,
  );
  assert.is(await session.sh(`k exec ${kubenetPod} -- curl -s ${vm}:81`), "command terminated with exit code 7");
  assert.is(await session.sh(`[root@${kubenetPod} /]# curl -s ${vm}:81`), "");
  assert.match(
    await fails(() => session.sh(`k exec ${kubenetPod} -- curl https://ifconfig.co`)),
    /asks for TLS, which is not modelled/,
  );
  assert.match(
    await fails(() => session.sh(`k exec ${kubenetPod} -- curl nowhere.example`)),
    /"nowhere.example" is no known name/,
  );
});

machines("list rules, connections, addresses and routes", async () => {
  const session = await article();
  session.useContext("kubenetcluster");
  await session.sh(`k exec ${kubenetPod} -- ping -c 1 ${vm}`);
  const at = (command: string) => session.sh(`jose@${node}:~$ sudo ${command}`);
  assert.match(await at("iptables -t nat -vxnL POSTROUTING"), /1 +84 MASQUERADE .*!192\.168\.0\.0\/16/);
  assert.match(await at("iptables -t nat -L -n -v -x"), /^Chain PREROUTING[^]*\nChain KUBE-SERVICES/);
  assert.match(
    await at("iptables-save -t nat"),
    /^\*nat\n:PREROUTING ACCEPT \[\d+:\d+\]\n[^]*-A POSTROUTING [^\n]*MASQUERADE[^]*\nCOMMIT$/,
  );
  assert.match(await at("iptables-save -c"), /\[1:84\] -A POSTROUTING/);
  assert.match(
    await at("conntrack -L"),
    /^icmp +1 \d+ src=192\.168\.1\.2 dst=10\.13\.1\.4 type=8 code=0 id=(\d+) src=10\.13\.1\.4 dst=10\.13\.77\.4 type=0 code=0 id=\1 mark=0 use=1\nconntrack v1/,
  );
  assert.match(await at("conntrack -L -p tcp"), / 0 flow entries have been shown\.$/);
  assert.match(await at("ip addr"), /inet 10\.13\.77\.4\/24 brd 10\.13\.77\.255 scope global eth0/);
  assert.match(await at("ip route"), /^default via 10\.13\.77\.1 dev eth0\n/);
  assert.match(await at("systemctl status kubelet"), /^● kubelet\.service/);
  assert.is(await at("hostname"), node);
  assert.match(await session.sh(`k exec ${kubenetPod} -- ip route`), /^default via 192\.168\.1\.1 dev eth0/);
  const [first] = session.getNodes();
  assert.equal(session.kubelet(first!.name), { pid: 3668, flags: first!.kubeletFlags });
});

machines("say what is known", async () => {
  const session = await article();
  const table: readonly (readonly [string, RegExp])[] = [
    [
      "ping 10.0.0.1",
      /^sh: "ping" is not a command of the workstation; expected kubectl \(or k\), az, echo, sleep, fg; on a machine/,
    ],
    ["jose@nobody:~$ ping 10.0.0.1", /^host: "nobody" is not a machine of this lab; expected testvm, aks-nodepool1/],
    ["jose@testvm:~$ ping", /is not one destination/],
    ["jose@testvm:~$ ping -f 10.0.0.1", /"-f" is not a known flag/],
    ["jose@testvm:~$ ping -c 0 10.0.0.1", /a whole number from 1 to 10000/],
    ["jose@testvm:~$ ping fe80::1", /not supported/],
    ["jose@testvm:~$ tcpdump -i eth9", /^interface of testvm: "eth9" does not exist; expected eth0$/],
    ["jose@testvm:~$ tcpdump vlan", /"vlan" is a word of filters that is not read here/],
    ["jose@testvm:~$ iptables -A INPUT -j DROP", /"-A" is not a known flag/],
    ["jose@testvm:~$ iptables -nL", /which lists/],
    ["jose@testvm:~$ iptables -t nat -vxnL NOCHAIN", /"NOCHAIN" is no chain of the table/],
    ["jose@testvm:~$ iptables -t nats -vxnL", /"nats" is not a table; expected raw, mangle, nat, filter/],
    ["jose@testvm:~$ systemctl status kubelet", /"testvm" runs no kubelet/],
    ["jose@testvm:~$ systemctl restart kubelet", /expected systemctl status kubelet/],
    ["jose@testvm:~$ ip link", /expected ip addr, ip route/],
    ["jose@testvm:~$ conntrack -D", /is not a known flag/],
    ["jose@testvm:~$ sudo", /lacks a command/],
    ["jose@testvm:~$ rm -rf /", /^command on testvm: "rm" is not known; expected ping/],
  ];
  for (const [command, expected] of table) assert.match(await fails(() => session.sh(command)), expected);
});

machines.run();

const terminal = suite("terminal");

terminal("a capture sees what is typed below it, each prompt a terminal of its own", async () => {
  const session = await article({ pingCount: 1 });
  const screen = await session.sh(`
    jose@testvm:~$ sudo tcpdump -i eth0 icmp
    $ k exec ${azurePod} -- ping ${vm}
    $ k exec ${azurePod} -- curl -s ${vm}
    jose@testvm:~$ hostname
    $ k exec ${azurePod} -- ping ${vm}
  `);
  const [, capture, afterwards] = /^(jose@testvm:~\$ sudo tcpdump[^]*?)(\$ k exec[^]*)$/.exec(screen)!;
  assert.match(
    capture!,
    /echo request, id \d+, seq 1, length 64\n.*echo reply, .*\n\^C\n2 packets captured\n2 packets received by filter\n0 packets dropped by kernel\n$/,
  );
  assert.match(afterwards!, /\njose@testvm:~\$ hostname\ntestvm\n\$ k exec/);
});

terminal("stops a capture at its count", async () => {
  const session = await article();
  const screen = await session.sh(`jose@testvm:~$ tcpdump -nn -c 1 port 80\n$ k exec ${azurePod} -- curl -s ${vm}`);
  assert.match(
    screen,
    /IP 10\.13\.76\.13\.\d+ > 10\.13\.1\.4\.80: Flags \[S\], seq \d+, win 64240, length 0\n1 packet captured/,
  );
});

terminal("keeps a capture in the background until fg", async () => {
  const session = await article({ pingCount: 1 });
  assert.is(await session.sh("jose@testvm:~$ sudo tcpdump icmp | grep request &"), "");
  await session.sh(`k exec ${azurePod} -- ping ${vm}`);
  assert.match(await session.sh("jose@testvm:~$ fg"), /^\S+ IP 10\.13\.76\.13 > testvm: ICMP echo request[^\n]*$/);
  assert.match(await fails(() => session.sh("jose@testvm:~$ fg")), /has no job at this prompt/);
  assert.match(await fails(() => session.sh("k get pod &")), /follows a command that ends by itself/);
});

terminal("listens on every interface of a node at once", async () => {
  const session = await article({ pingCount: 1 });
  session.useContext("kubenetcluster");
  const screen = await session.sh(`jose@${node}:~$ sudo tcpdump -nn -i any icmp\n$ k exec ${kubenetPod} -- ping ${vm}`);
  assert.match(screen, /listening on any, link-type LINUX_SLL/);
  assert.match(screen, /IP 192\.168\.1\.2 > 10\.13\.1\.4: ICMP echo request/);
  assert.match(screen, /IP 10\.13\.77\.4 > 10\.13\.1\.4: ICMP echo request/);
});

terminal("keeps variables, from one call to the next", async () => {
  const session = await article({ variables: { mine: "x y" } });
  assert.is(await session.sh("echo $rg '$rg' \"$rg/$mine\" $(echo a $(echo b)) # no"), "akstest $rg akstest/x y a b");
  await session.sh("a=1; b=$a$a");
  assert.is(await session.sh("echo ${b}0"), "110");
  assert.match(
    await fails(() => session.sh("echo $nothing")),
    /^sh: "\$nothing" is not set; expected one of \$rg, \$aksname_azure, \$aksname_kubenet, \$mine, \$a, \$b$/,
  );
});

terminal("gives what commands print, and a transcript where there are prompts", async () => {
  const session = await article();
  assert.is(await session.sh("echo a\necho b; echo c"), "a\nb\nc");
  assert.is(await session.sh("$ echo a"), "a");
  assert.is(await session.sh("$ echo a\n$\n$ echo b; echo c\n"), "$ echo a\na\n$\n$ echo b; echo c\nb\nc");
  assert.is(await session.sh(""), "");
  assert.match(await fails(() => session.sh("echo a | sort")), /"sort" cannot stand after a pipe here; expected grep/);
  assert.match(
    await fails(() => session.sh("echo ".padEnd(5) + "$(".repeat(30) + ")".repeat(30))),
    /nests commands too deep/,
  );
});

terminal("returns or throws an InputError, whatever is typed", async () => {
  const session = await article({ pingCount: 1, readFile: () => whereamiIngress.yaml });
  const word = fc.constantFrom(
    ..."k kubectl get pod node svc deploy exec -- -n -o wide json --all-namespaces kube-system -it apply -f config use-context az aks show network lb list --query [] [].name -o tsv".split(
      " ",
    ),
    ...`${azurePod} ${vm} ping -c 1 curl -s tcpdump icmp and port 80 iptables -t nat -vxnL iptables-save conntrack -L ip addr sudo grep a | & ; $rg $(echo fg sleep 0 x=1 " ' # \\ = -`.split(
      " ",
    ),
  );
  const line = fc
    .tuple(fc.constantFrom("", "$ ", "jose@testvm:~$ ", `[root@${azurePod} /]# `), fc.array(word, { maxLength: 8 }))
    .map(([prompt, words]) => prompt + words.join(" "));
  await fc.assert(
    fc.asyncProperty(
      fc.oneof(
        fc.string(),
        fc.string({ unit: "binary" }),
        fc.array(line, { maxLength: 4 }).map(lines => lines.join("\n")),
      ),
      async text => {
        try {
          assert.type(await session.sh(text), "string");
        } catch (error) {
          assert.instance(error, InputError);
          assert.not.match((error as Error).message, /\n/);
        }
      },
    ),
    { numRuns: 600 },
  );
});

terminal.run();

const typed = suite("typed calls");

typed("answer as the terminal does", async () => {
  const session = await article();
  const capture = await session.capture("testvm", { filter: "icmp and src 10.13.76.13" });
  const ping = await session.ping(azurePod, "testvm", { count: 2 });
  assert.equal(
    ping.replies.map(({ ttl, from }) => [ttl, from]),
    [
      [64, vm],
      [64, vm],
    ],
  );
  const seen = await capture.stop();
  assert.equal(
    seen.map(({ direction, packet }) => [direction, packet.proto]),
    [
      ["in", "icmp"],
      ["in", "icmp"],
    ],
  );
  const page = await session.curl(azurePod, "ifconfig.co");
  assert.is(page.kind === "connected" ? page.body.trim() : page.kind, "104.45.15.171");
  assert.is(session.aksShow("kubenetcluster").networkProfile.podCidr, "192.168.0.0/16");
  assert.equal(
    session.networkLbList().map(({ sku }) => sku.name),
    ["Basic", "Basic"],
  );
  assert.ok((await session.iptables("aks-nodepool1-26711606-0")).tables.some(({ name }) => name === "nat"));
  assert.is((await session.conntrack("testvm")).length, 0);
  assert.is(session.host("testvm").role, "vm");
});

typed("let the clock go forward only", async () => {
  const session = await openSession(articleAt("azureStatus"));
  await session.at("2019-02-12T22:11:26Z");
  assert.is(session.now, Date.parse("2019-02-12T22:11:26Z") / 1000);
  await session.sh("sleep 4");
  assert.match(
    await fails(() => session.at("2019-02-12T22:11:26Z")),
    /is past; expected a time from 2019-02-12T22:11:30Z on$/,
  );
  assert.match(await fails(() => session.at("tomorrow")), /is not an RFC 3339 time/);
  for (const seconds of [Infinity, NaN, -1, 1e12, "5" as unknown as number])
    assert.match(await fails(() => session.wait(seconds)), /^wait: .* expected seconds, 0 to 3155760000$/);
  for (const given of ["Infinity", "-1", "1e9", "NaN", "1 2", ""])
    assert.match(await fails(() => session.sh(`sleep ${given}`)), /expected (?:a whole number|sleep SECONDS)/);
  assert.is(session.now, Date.parse("2019-02-12T22:11:30Z") / 1000);
});

typed("keep ages and the clock when a change boots the lab anew", async () => {
  const session = await openSession(smallCluster());
  await session.wait(600);
  const [old] = session.getPods();
  await session.scale("app", 7);
  assert.is(session.getPods().length, 7);
  assert.is(Math.round(session.now - session.getPods().find(({ name }) => name === old!.name)!.created), 600);
  assert.is(session.scenario.clusters[0]!.scale?.["app"], 7);
});

typed("refuse a scenario that cannot be built, and leave the lab as it was after a change that cannot", async () => {
  assert.match(
    await fails(() => openSession({ ...articleScenario, startsAt: "now" })),
    /startsAt: "now" is not an RFC 3339 time/,
  );
  assert.match(await fails(() => openSession(articleScenario, { pingCount: 0 })), /pingCount: 0 is out of range/);
  const session = await article();
  await fails(() => session.apply("x.yaml", whereamiIngress.yaml.replace("type: ClusterIP", "type: Clusterip")));
  assert.is(session.scenario, articleScenario);
  assert.is(session.getPods().length, 4);
});

typed("keep a clock of their own over an engine whose clock cannot be set", async () => {
  const session = await openSession<Lab>(articleAt("azurePing"), {
    boot: network => ({
      ...bootModel(network, 1_000_000_000),
      engine: "linux",
      wait: () => Promise.reject(new Error("waits")),
    }),
  });
  await session.at("2019-02-12T22:11:58Z");
  const screen = await session.sh(
    `jose@testvm:~$ sudo tcpdump icmp\n$ k exec ${azurePod} -- ping -c 1 ${vm}\n$ k get node`,
  );
  assert.match(screen, /^22:11:58\.\d+ IP 10\.13\.76\.13 > testvm/m);
  assert.match(screen, /Ready +agent +19m/);
});

typed("boot the engine that they are given", async () => {
  const started: number[] = [];
  const session = await openSession(articleAt("azureStatus"), {
    boot: (network, startsAt) => {
      started.push(startsAt);
      return bootModel(network, startsAt);
    },
  });
  await session.wait(60);
  await session.scale("whereami", 3);
  assert.equal(
    started,
    [0, 60].map(seconds => Date.parse("2019-02-12T22:10:30Z") / 1000 + seconds),
  );
});

typed.run();
