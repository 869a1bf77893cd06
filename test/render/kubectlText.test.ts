import fc from "fast-check";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { addr } from "../../lib/ip/addr.js";
import { printJson, printYaml } from "../../lib/render/document.js";
import { age, ago } from "../../lib/render/duration.js";
import {
  printDeployments,
  printIngresses,
  printNodes,
  printPods,
  printServices,
} from "../../lib/render/kubectlText.js";
import {
  deploymentObject,
  ingressObject,
  listOf,
  nodeObject,
  podObject,
  serviceObject,
} from "../../lib/render/objects.js";
import { printRows } from "../../lib/render/table.js";
import { cluster, now } from "./cluster.js";

const durations = suite("durations");

durations("show one unit, rounded down", () => {
  const shown = [
    0,
    33,
    59,
    60,
    119,
    18 * 60,
    3599,
    3600,
    23 * 3600,
    86400,
    4 * 86400 + 5,
    364 * 86400,
    365 * 86400,
  ].map(seconds => age(1000, 1000 + seconds));
  assert.equal(shown, ["0s", "33s", "59s", "1m", "1m", "18m", "59m", "1h", "23h", "1d", "4d", "364d", "1y"]);
  assert.is(age(1000, 999), "0s");
  assert.is(age(1000, 990), "<invalid>");
});

durations("show systemd's two units", () => {
  const shown = [33, 90, 120, 52 * 60 + 5, 3600, 3780, 86400, 90000, 3 * 86400].map(seconds =>
    ago(1000, 1000 + seconds),
  );
  assert.equal(shown, [
    "33s ago",
    "1min 30s ago",
    "2min ago",
    "52min ago",
    "1h ago",
    "1h 3min ago",
    "1 day ago",
    "1 day 1h ago",
    "3 days ago",
  ]);
});

durations.run();

const table = suite("printRows");

table("pads each column to its widest cell and three more, ten at least, and the last not at all", () => {
  assert.is(
    printRows([
      ["NAME", "READY", "AGE"],
      ["a-long-name", "1/1", "4m"],
    ]),
    "NAME          READY     AGE\na-long-name   1/1       4m",
  );
});

table("keeps every column at one offset", () => {
  fc.assert(
    fc.property(
      fc.array(fc.tuple(fc.stringMatching(/^[a-z]{1,20}$/), fc.stringMatching(/^[a-z]{1,20}$/)), { minLength: 1 }),
      rows => {
        const lines = printRows(rows).split("\n");
        const offsets = new Set(lines.map((line, index) => line.length - rows[index]![1].length));
        assert.is(offsets.size, 1);
      },
    ),
  );
});

table.run();

const get = suite("kubectl get");

get("prints nodes", () => {
  assert.is(
    printNodes(cluster, cluster.nodes, { now }),
    "NAME      STATUS    ROLES     AGE       VERSION\nnode-0    Ready     agent     52m       v1.11.5",
  );
  assert.is(
    printNodes(cluster, cluster.nodes, { now, wide: true }),
    `NAME      STATUS    ROLES     AGE       VERSION   INTERNAL-IP   EXTERNAL-IP   OS-IMAGE             KERNEL-VERSION      CONTAINER-RUNTIME
node-0    Ready     agent     52m       v1.11.5   10.1.0.4      <none>        Ubuntu 16.04.5 LTS   4.15.0-1036-azure   docker://3.0.1`,
  );
});

get("prints pods", () => {
  assert.is(
    printPods(cluster.pods, { now, wide: true, allNamespaces: true }),
    `NAMESPACE   NAME      READY     STATUS    RESTARTS   AGE       IP            NODE      NOMINATED NODE
default     web-abc   1/1       Running   0          4m        192.168.0.9   node-0    <none>`,
  );
});

get("prints services with node ports, every port, and a public address or that it is pending", () => {
  assert.is(
    printServices(cluster.services, { now, wide: true }),
    `NAME                    TYPE           CLUSTER-IP     EXTERNAL-IP       PORT(S)         AGE       SELECTOR
web                     LoadBalancer   10.0.58.118    137.117.164.147   80:30694/TCP    4m        app=web
kube-dns                ClusterIP      10.0.0.10      <none>            53/UDP,53/TCP   56m       k8s-app=kube-dns
routing-nginx-ingress   LoadBalancer   10.0.128.165   <pending>         80:30058/TCP    3m        app=ingress`,
  );
});

get("prints deployments by the pods that they select", () => {
  assert.is(
    printDeployments(cluster, cluster.deployments, { now }),
    "NAME      DESIRED   CURRENT   UP-TO-DATE   AVAILABLE   AGE\nweb       1         1         1            1           4m",
  );
  assert.match(
    printDeployments({ ...cluster, pods: [] }, cluster.deployments, { now, wide: true }),
    /web       1         0         0            0           4m        web          web:1     app=web$/,
  );
});

get("prints an ingress with its controller's address once there is one", () => {
  const before = printIngresses(cluster, cluster.ingresses, { now });
  assert.is(before, "NAME      HOSTS         ADDRESS   PORTS     AGE\nweb       web.example             80        1m");
  const services = cluster.services.map(service =>
    service.name === "routing-nginx-ingress" ? { ...service, externalIp: addr("104.214.236.151") } : service,
  );
  assert.match(
    printIngresses({ ...cluster, services }, cluster.ingresses, { now }),
    /web\.example   104\.214\.236\.151   80/,
  );
});

get.run();

const objects = suite("objects");

objects("have the API's shapes", () => {
  const node = nodeObject(cluster, cluster.nodes[0]!);
  assert.equal(
    [node.apiVersion, node.kind, node.metadata["name"], node["spec"]],
    ["v1", "Node", "node-0", { podCIDR: "192.168.0.0/24" }],
  );
  assert.equal(JSON.parse(printJson(podObject(cluster, cluster.pods[0]!), 4)), {
    apiVersion: "v1",
    kind: "Pod",
    metadata: {
      creationTimestamp: "2018-12-05T21:56:00Z",
      labels: { app: "web" },
      name: "web-abc",
      namespace: "default",
    },
    spec: {
      containers: [{ image: "web:1", name: "web", ports: [{ containerPort: 80, protocol: "TCP" }] }],
      nodeName: "node-0",
      restartPolicy: "Always",
    },
    status: {
      conditions: [{ lastTransitionTime: "2018-12-05T21:56:00Z", status: "True", type: "Ready" }],
      containerStatuses: [
        {
          image: "web:1",
          name: "web",
          ready: true,
          restartCount: 0,
          state: { running: { startedAt: "2018-12-05T21:56:00Z" } },
        },
      ],
      hostIP: "10.1.0.4",
      phase: "Running",
      podIP: "192.168.0.9",
      startTime: "2018-12-05T21:56:00Z",
    },
  });
  assert.equal(
    [deploymentObject(cluster, cluster.deployments[0]!), ingressObject(cluster, cluster.ingresses[0]!)].map(
      ({ apiVersion, kind }) => `${apiVersion} ${kind}`,
    ),
    ["extensions/v1beta1 Deployment", "extensions/v1beta1 Ingress"],
  );
});

objects("print with sorted keys, lists under their key", () => {
  assert.is(
    printYaml(serviceObject(cluster.services[0]!)),
    `apiVersion: v1
kind: Service
metadata:
  creationTimestamp: 2018-12-05T21:56:00Z
  name: web
  namespace: default
spec:
  clusterIP: 10.0.58.118
  externalTrafficPolicy: Cluster
  ports:
  - nodePort: 30694
    port: 80
    protocol: TCP
    targetPort: 80
  selector:
    app: web
  sessionAffinity: None
  type: LoadBalancer
status:
  loadBalancer:
    ingress:
    - ip: 137.117.164.147`,
  );
  assert.match(
    printJson(listOf([serviceObject(cluster.services[0]!)]), 4),
    /^\{\n {4}"apiVersion": "v1",\n {4}"items": \[\n {8}\{\n[^]*"kind": "List",\n/,
  );
});

objects.run();
