import fc from "fast-check";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { InputError } from "../../lib/errors.js";
import { parseManifest } from "../../lib/kube/manifest.js";
import { messageOf, whereami, whereamiIngress } from "./clusters.js";

const test = suite("parseManifest");

const deployment = `apiVersion: apps/v1
kind: Deployment
metadata:
  name: web
spec:
  template:
    metadata:
      labels: {app: web}
    spec:
      containers:
      - name: web
        image: nginx
        ports:
        - {name: http, containerPort: 8080}
        - {containerPort: 53, protocol: UDP}
`;
const service = `apiVersion: v1
kind: Service
metadata: {name: web, namespace: shop}
spec:
  selector: {app: web}
  ports:
  - {name: http, port: 80, targetPort: http}
  - {name: dns, port: 53, protocol: UDP}
`;
const ingress = `apiVersion: networking.k8s.io/v1
kind: Ingress
metadata: {name: web}
spec:
  ingressClassName: nginx
  defaultBackend: {service: {name: web, port: {name: http}}}
  rules:
  - host: web.example
    http:
      paths:
      - {path: /a, pathType: Prefix, backend: {service: {name: a, port: {number: 81}}}}
`;

test("reads the objects of every document, with their defaults", () => {
  assert.equal(parseManifest(`---\n${deployment}---\n# nothing here\n---\n${service}---\n${ingress}`, "web.yaml"), [
    {
      kind: "Deployment",
      namespace: "default",
      name: "web",
      labels: {},
      replicas: 1,
      selector: { app: "web" },
      podLabels: { app: "web" },
      image: "nginx",
      ports: [
        { name: "http", port: 8080, protocol: "TCP" },
        { port: 53, protocol: "UDP" },
      ],
      hostNetwork: false,
    },
    {
      kind: "Service",
      namespace: "shop",
      name: "web",
      labels: {},
      type: "ClusterIP",
      selector: { app: "web" },
      ports: [
        { name: "http", port: 80, protocol: "TCP", targetPort: "http" },
        { name: "dns", port: 53, protocol: "UDP", targetPort: 53 },
      ],
    },
    {
      kind: "Ingress",
      namespace: "default",
      name: "web",
      labels: {},
      class: "nginx",
      rules: [
        { host: "web.example", path: "/a", service: "a", port: 81 },
        { host: "*", path: "/", service: "web", port: "http" },
      ],
    },
  ]);
  assert.equal(
    whereami.map(object => object.kind),
    ["Deployment", "Service"],
  );
  assert.equal(whereamiIngress[2], {
    kind: "Ingress",
    namespace: "default",
    name: "whereami-ingress",
    labels: {},
    class: "addon-http-application-routing",
    rules: [{ host: "whereami.example.aksapp.io", path: "/", service: "whereami-ingress", port: 80 }],
  });
});

test("takes a DNS label of 63 characters for a service's port, and at most 15 with a letter for a container's", () => {
  const name = (length: number) => "p".repeat(length);
  const portOf = (text: string) => {
    const [object] = parseManifest(service.replace("{name: http,", `{name: ${text},`), "web.yaml");
    return object?.kind === "Service" && object.ports[0]!.name;
  };
  for (const text of [name(63), "galera-replication-4567", '"1234"']) assert.is(portOf(text), text.replaceAll('"', ""));
  for (const text of [name(64), "-a", "a-", "A", "a.b", "a_b"])
    assert.throws(() => portOf(text), /expected a port name: a-z, 0-9 and -, at most 63 characters/);
  const container = (text: string) => parseManifest(deployment.replace("{name: http,", `{name: ${text},`), "web.yaml");
  container(name(15));
  for (const text of [name(16), '"1234"'])
    assert.throws(() => container(text), /at most 15 characters, a letter among/);
  const [object] = parseManifest(ingress.replace("{name: http}", `{name: ${name(63)}}`), "web.yaml");
  assert.is(object?.kind === "Ingress" && object.rules.some(({ port }) => port === name(63)), true);
});

test("reads the group versions of the v1.11 era", () => {
  for (const version of ["apps/v1", "apps/v1beta1", "extensions/v1beta1"])
    assert.is(parseManifest(deployment.replace("apps/v1", version), "web.yaml")[0]!.kind, "Deployment");
});

const bombed = `a: &a [${"x,".repeat(9)}x]\n${"bcdefgh"
  .split("")
  .map((key, index) => `${key}: &${key} [${`*${"abcdefg"[index]},`.repeat(9)}*${"abcdefg"[index]}]`)
  .join("\n")}\n`;
const bad: readonly (readonly [name: string, yaml: string, message: string])[] = [
  [
    "an unknown kind",
    deployment.replace("kind: Deployment", "kind: StatefulSet"),
    'web.yaml:2 document 1 kind: "StatefulSet" is not known; expected Deployment, Service, Ingress',
  ],
  [
    "an unknown version",
    deployment.replace("apps/v1", "apps/v7"),
    'web.yaml:1 document 1 apiVersion: "apps/v7" is not known; expected apps/v1, apps/v1beta2, apps/v1beta1, extensions/v1beta1',
  ],
  [
    "a missing name",
    deployment.replace("name: web", "labels: {}"),
    "web.yaml:4 document 1 metadata.name: null is missing; expected a name: a-z, 0-9, - and ., at most 253 characters",
  ],
  [
    "a wrong type, in the second document",
    `${service}---\n${deployment.replace("containerPort: 8080", "containerPort: http")}`,
    'web.yaml:23 document 2 spec.template.spec.containers[0].ports[0].containerPort: "http" is not right; expected a port, 1-65535',
  ],
  [
    "a port out of range",
    service.replace("port: 80,", "port: 80000,"),
    "web.yaml:7 document 1 spec.ports[0].port: 80000 is not right; expected a port, 1-65535",
  ],
  [
    "a list that is a text",
    service.replace(/ports:\n(.*\n)*/, "ports: many\n"),
    'web.yaml:6 document 1 spec.ports: "many" is no list; expected a list',
  ],
  [
    "ports without names",
    service.replace("name: dns, ", ""),
    "web.yaml:8 document 1 spec.ports[1].name: null is missing; expected a name, as the service has several ports",
  ],
  [
    "a port twice",
    service.replace("name: dns, port: 53, protocol: UDP", "name: dns, port: 80"),
    'web.yaml:8 document 1 spec.ports[1]: {"name":"dns","port":80} repeats ports[0]; expected a name and a port and protocol of its own for each',
  ],
  [
    "labels that the selector does not match",
    deployment.replace("spec:\n", "spec:\n  selector: {matchLabels: {app: shop}}\n"),
    'web.yaml:9 document 1 spec.template.metadata.labels: {"app":"web"} does not match the selector; expected labels with app: shop',
  ],
  [
    "no containers",
    deployment.replace(/containers:\n(.*\n)*/, "containers: []\n"),
    "web.yaml:10 document 1 spec.template.spec.containers: [] has no container; expected a list of containers",
  ],
  [
    "an internal load balancer",
    service.replace(
      "namespace: shop",
      'annotations: {service.beta.kubernetes.io/azure-load-balancer-internal: "true"}',
    ),
    'web.yaml:3 document 1 metadata.annotations.service.beta.kubernetes.io/azure-load-balancer-internal: "true" is not modelled (service.beta.kubernetes.io/azure-load-balancer-internal); expected a public load balancer',
  ],
  [
    "a policy that is not modelled",
    service.replace("spec:\n", "spec:\n  externalTrafficPolicy: Local\n"),
    'web.yaml:5 document 1 spec.externalTrafficPolicy: "Local" is not modelled; expected Cluster',
  ],
  ...(
    [
      ["nodeName", "n", '"n"'],
      ["nodeSelector", "{a: b}", '{"a":"b"}'],
      ["affinity", "{a: b}", '{"a":"b"}'],
    ] as const
  ).map(
    ([key, value, shown]) =>
      [
        `a pod bound to a node by ${key}`,
        deployment.replace("      containers:", `      ${key}: ${value}\n      containers:`),
        `web.yaml:10 document 1 spec.template.spec.${key}: ${shown} is not modelled (${key}); expected a pod that any node may run; pins place pods`,
      ] as const,
  ),
  [
    "a port of the host",
    deployment.replace("containerPort: 8080", "containerPort: 8080, hostPort: 80"),
    "web.yaml:14 document 1 spec.template.spec.containers[0].ports[0].hostPort: 80 is not modelled (hostPort); expected a port without hostPort, behind a Service",
  ],
  [
    "a selector by expressions",
    deployment.replace("spec:\n", "spec:\n  selector: {matchExpressions: [{key: a}]}\n"),
    'web.yaml:6 document 1 spec.selector.matchExpressions: [{"key":"a"}] is not modelled (matchExpressions); expected matchLabels',
  ],
  [
    "no labels to select by",
    deployment.replace("labels: {app: web}", "labels: {}"),
    "web.yaml:8 document 1 spec.template.metadata.labels: {} is empty; expected labels that a selector can match",
  ],
  [
    "less than no pods",
    deployment.replace("spec:\n", "spec:\n  replicas: -1\n"),
    "web.yaml:6 document 1 spec.replicas: -1 is not right; expected a number of pods, 0-1000000",
  ],
  [
    "more pods than a cluster can hold",
    deployment.replace("spec:\n", "spec:\n  replicas: 1000001\n"),
    "web.yaml:6 document 1 spec.replicas: 1000001 is not right; expected a number of pods, 0-1000000",
  ],
  [
    "half a pod",
    deployment.replace("spec:\n", "spec:\n  replicas: 1.5\n"),
    "web.yaml:6 document 1 spec.replicas: 1.5 is not right; expected a number of pods, 0-1000000",
  ],
  [
    "a host network that is a text",
    deployment.replace("      containers:", "      hostNetwork: maybe\n      containers:"),
    'web.yaml:10 document 1 spec.template.spec.hostNetwork: "maybe" is not right; expected true or false',
  ],
  ...["clusterIP", "externalIPs", "loadBalancerIP"].map(
    key =>
      [
        `a service's own ${key}`,
        service.replace("spec:\n", `spec:\n  ${key}: 10.0.0.9\n`),
        `web.yaml:5 document 1 spec.${key}: "10.0.0.9" is not modelled (${key}); expected an address that the cluster draws; pins.clusterIps and pins.publicAddresses fix it`,
      ] as const,
  ),
  ...["loadBalancerSourceRanges", "externalName"].map(
    key =>
      [
        `a service's own ${key}`,
        service.replace("spec:\n", `spec:\n  ${key}: a\n`),
        `web.yaml:5 document 1 spec.${key}: "a" is not modelled (${key}); expected a service open to every source`,
      ] as const,
  ),
  [
    "clients that stay at their pod",
    service.replace("spec:\n", "spec:\n  sessionAffinity: ClientIP\n"),
    'web.yaml:5 document 1 spec.sessionAffinity: "ClientIP" is not modelled; expected None',
  ],
  [
    "port 0",
    service.replace("port: 80,", "port: 0,"),
    "web.yaml:7 document 1 spec.ports[0].port: 0 is not right; expected a port, 1-65535",
  ],
  [
    "port 65536",
    service.replace("port: 80,", "port: 65536,"),
    "web.yaml:7 document 1 spec.ports[0].port: 65536 is not right; expected a port, 1-65535",
  ],
  [
    "a node port beyond all ports",
    service.replace("port: 80,", "port: 80, nodePort: 65536,"),
    "web.yaml:7 document 1 spec.ports[0].nodePort: 65536 is not right; expected a node port, 30000-32767",
  ],
  [
    "an unknown protocol",
    service.replace("protocol: UDP", "protocol: SCTP"),
    'web.yaml:8 document 1 spec.ports[1].protocol: "SCTP" is not known; expected TCP, UDP',
  ],
  [
    "a port's name twice",
    service.replace("name: dns,", "name: http,"),
    'web.yaml:8 document 1 spec.ports[1]: {"name":"http","port":53,"protocol":"UDP"} repeats ports[0]; expected a name and a port and protocol of its own for each',
  ],
  [
    "a service without ports",
    service.replace(/ports:\n(.*\n)*/, "ports: []\n"),
    "web.yaml:6 document 1 spec.ports: [] has no port; expected a list of ports",
  ],
  [
    "an ingress that leads nowhere",
    ingress.replace(/ {2}defaultBackend.*\n/, "").replace(/rules:\n(.*\n)*/, "rules: []\n"),
    "web.yaml:6 document 1 spec.rules: [] leads nowhere; expected rules with a host, paths and a backend",
  ],
  [
    "labels that are a text",
    deployment.replace("labels: {app: web}", "labels: web"),
    'web.yaml:8 document 1 spec.template.metadata.labels: "web" is no mapping; expected labels, text to text',
  ],
  [
    "metadata that is a list",
    service.replace("metadata: {name: web, namespace: shop}", "metadata: [web]"),
    'web.yaml:3 document 1 metadata: ["web"] is no mapping; expected a mapping with namespace',
  ],
  [
    "metadata that is a text",
    service.replace("metadata: {name: web, namespace: shop}", "metadata: web"),
    'web.yaml:3 document 1 metadata: "web" is no mapping; expected a mapping with namespace',
  ],
  [
    "a label that is a number",
    deployment.replace("labels: {app: web}", "labels: {app: 1}"),
    "web.yaml:8 document 1 spec.template.metadata.labels.app: 1 is not right; expected labels, text to text",
  ],
  [
    "no YAML",
    "kind: [",
    'web.yaml:1 document 1: "kind: [" is no YAML: Flow sequence in block collection must be sufficiently indented and end with a ]; expected YAML documents, one Kubernetes object each',
  ],
  [
    "a scalar",
    "hello",
    'web.yaml:1 document 1 document: "hello" is no mapping; expected a Kubernetes object with apiVersion, kind and metadata',
  ],
  [
    "nothing",
    "# only a comment\n",
    'web.yaml: "# only a comment" holds no object; expected YAML documents, one Kubernetes object each',
  ],
  [
    "aliases that explode",
    bombed,
    'web.yaml: "a: &a [x,x,x,x,x,x,x,x,x,x]" cannot be read: Excessive alias count indicates a resource exhaustion attack; expected YAML documents, one Kubernetes object each',
  ],
];

test("names file, line, document, field, value and what would be right", () => {
  for (const [name, yaml, message] of bad)
    assert.is(
      messageOf(() => parseManifest(yaml, "web.yaml")),
      message,
      name,
    );
});

test("takes what lies just within, and what says what is so anyway", () => {
  const only = (yaml: string) => parseManifest(yaml, "web.yaml")[0]!;
  const pods = (change: string) => {
    const read = only(deployment.replace("spec:\n", `spec:\n  ${change}\n`));
    return read.kind === "Deployment" ? read.replicas : undefined;
  };
  assert.is(pods("replicas: 0"), 0);
  assert.is(pods("replicas: 1000000"), 1_000_000);
  assert.is(pods("replicas: null"), 1);
  const host = only(deployment.replace("      containers:", "      hostNetwork: true\n      containers:"));
  assert.is(host.kind === "Deployment" && host.hostNetwork, true);
  const selected = only(
    deployment
      .replace("labels: {app: web}", "labels: {app: web, tier: front}")
      .replace("spec:\n", "spec:\n  selector: {matchLabels: {app: web}}\n"),
  );
  assert.equal(selected.kind === "Deployment" && selected.selector, { app: "web" });
  const two = only(
    `${deployment}      - {name: side, image: envoy, ports: [{containerPort: 1}, {containerPort: 65535}]}\n`,
  );
  assert.equal(two.kind === "Deployment" && [two.image, two.ports.map(({ port }) => port)], [
    "nginx",
    [8080, 53, 1, 65535],
  ]);

  const ported = (change: string) => {
    const read = only(service.replace("{name: http, port: 80, targetPort: http}", `{name: http, ${change}}`));
    return read.kind === "Service" ? read.ports[0] : undefined;
  };
  const port = { name: "http", protocol: "TCP" };
  assert.equal(ported("port: 1, targetPort: 65535"), { ...port, port: 1, targetPort: 65535 });
  // Which of all ports are node ports is the cluster's to say, and it says so by the name of the service.
  assert.equal(ported("port: 80, nodePort: 1"), { ...port, port: 80, targetPort: 80, nodePort: 1 });
  assert.equal(ported("port: 65535, nodePort: 30000"), { ...port, port: 65535, targetPort: 65535, nodePort: 30000 });
  // The same number for another protocol is another port.
  assert.equal(ported("port: 53, protocol: TCP"), { ...port, port: 53, targetPort: 53 });
  const plain = service.replace("spec:\n", "spec:\n  sessionAffinity: None\n  externalTrafficPolicy: Cluster\n");
  assert.equal(only(plain), only(service));
  const single = only(service.replace("  - {name: http, port: 80, targetPort: http}\n", "").replace("name: dns, ", ""));
  assert.equal(single.kind === "Service" && single.ports, [{ port: 53, protocol: "UDP", targetPort: 53 }]);

  const old = only(`apiVersion: extensions/v1beta1
kind: Ingress
metadata: {name: web, annotations: {kubernetes.io/ingress.class: nginx}}
spec:
  backend: {serviceName: rest, servicePort: 82}
  rules: [{http: {paths: [{backend: {serviceName: web, servicePort: http}}]}}]
`);
  assert.equal(old.kind === "Ingress" && [old.class, old.rules], [
    "nginx",
    [
      { host: "*", path: "/", service: "web", port: "http" },
      { host: "*", path: "/", service: "rest", port: 82 },
    ],
  ]);
  // The field is newer than the annotation and goes before it.
  const both = only(ingress.replace("{name: web}", "{name: web, annotations: {kubernetes.io/ingress.class: old}}"));
  assert.is(both.kind === "Ingress" && both.class, "nginx");
  assert.is(parseManifest(`# ${"x".repeat(3 * 1024 * 1024 - service.length - 3)}\n${service}`, "web.yaml").length, 1);
});

test("bounds depth and size", () => {
  assert.match(
    messageOf(() => parseManifest("[".repeat(100_000), "deep.yaml")),
    /^deep\.yaml/,
  );
  assert.match(
    messageOf(() => parseManifest("#".repeat(4 * 1024 * 1024), "big.yaml")),
    /more than 3145728/,
  );
});

test("returns or throws an InputError, whatever the text", () => {
  const attempt = (text: string) => {
    try {
      parseManifest(text, "f.yaml");
    } catch (error) {
      assert.instance(error, InputError);
      assert.not.match((error as Error).message, "\n");
    }
  };
  const whole = `${deployment}---\n${service}---\n${ingress}`;
  const piece = fc.oneof(
    fc.string({ maxLength: 6 }),
    fc.constantFrom(
      ": ",
      "\n- ",
      "---\n",
      "{",
      "[",
      "*a",
      "&a ",
      "null",
      "-1",
      "1e999",
      "__proto__: 1\n",
      "!!binary x",
      "? ",
      "\t",
      "%YAML 9\n",
    ),
  );
  fc.assert(fc.property(fc.string(), attempt), { numRuns: 200 });
  fc.assert(
    fc.property(fc.array(fc.tuple(fc.nat(whole.length), fc.nat(12), piece), { minLength: 1, maxLength: 4 }), edits => {
      attempt(
        edits.reduce((text, [at, length, insert]) => text.slice(0, at) + insert + text.slice(at + length), whole),
      );
    }),
    { numRuns: 1000 },
  );
});

test("refuses a key that stands twice, with its line, and reads many in time in proportion", () => {
  assert.is(
    messageOf(() => parseManifest("apiVersion: v1\nkind: Service\nmetadata: {name: a, name: b}\n", "web.yaml")),
    'web.yaml:3 document 1: "apiVersion: v1" is no YAML: the key "name" stands twice; expected YAML documents, one Kubernetes object each',
  );
  const labels = Array.from({ length: 60_000 }, (_, i) => `    k${i}: v\n`).join("");
  const [object] = parseManifest(
    `apiVersion: v1\nkind: Service\nmetadata:\n  name: a\n  labels:\n${labels}spec:\n  ports:\n  - port: 80\n`,
    "web.yaml",
  );
  assert.is(Object.keys(object!.labels).length, 60_000);
});

test.run();
