import type { Manifest } from "./scenario.js";

/** Two pods that answer HTTP, and a service in front of them. */
const application = (name: string, type: "LoadBalancer" | "ClusterIP"): string => `apiVersion: apps/v1
kind: Deployment
metadata:
  name: ${name}
spec:
  replicas: 2
  selector:
    matchLabels:
      app: ${name}
  template:
    metadata:
      labels:
        app: ${name}
    spec:
      containers:
        - name: whereami
          image: egress-lab/whereami:1.0
          ports:
            - containerPort: 80
---
apiVersion: v1
kind: Service
metadata:
  name: ${name}
spec:
  type: ${type}
  selector:
    app: ${name}
  ports:
    - port: 80
      targetPort: 80
`;

/** Two pods that answer HTTP, behind a public address. */
export const whereami: Manifest = { file: "whereami.yaml", yaml: application("whereami", "LoadBalancer") };

/** The same application again, reached through the ingress controller of the add-on http_application_routing. */
export const whereamiIngress: Manifest = {
  file: "whereami-ingress.yaml",
  yaml: `${application("whereami-ingress", "ClusterIP")}---
apiVersion: extensions/v1beta1
kind: Ingress
metadata:
  name: whereami-ingress
  annotations:
    kubernetes.io/ingress.class: addon-http-application-routing
spec:
  rules:
    - host: whereami-ingress.example.com
      http:
        paths:
          - path: /
            backend:
              serviceName: whereami-ingress
              servicePort: 80
`,
};
