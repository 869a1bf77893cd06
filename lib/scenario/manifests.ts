import type { Manifest } from "./types.js";

/** Two pods that answer HTTP, behind a public address. */
export const whereami: Manifest = {
  file: "whereami.yaml",
  yaml: `apiVersion: apps/v1
kind: Deployment
metadata:
  name: whereami
spec:
  replicas: 2
  selector:
    matchLabels:
      app: whereami
  template:
    metadata:
      labels:
        app: whereami
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
  name: whereami
spec:
  type: LoadBalancer
  selector:
    app: whereami
  ports:
    - port: 80
      targetPort: 80
`,
};

/** The same application again, reached through the ingress controller of the add-on http_application_routing. */
export const whereamiIngress: Manifest = {
  file: "whereami-ingress.yaml",
  yaml: `apiVersion: apps/v1
kind: Deployment
metadata:
  name: whereami-ingress
spec:
  replicas: 2
  selector:
    matchLabels:
      app: whereami-ingress
  template:
    metadata:
      labels:
        app: whereami-ingress
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
  name: whereami-ingress
spec:
  type: ClusterIP
  selector:
    app: whereami-ingress
  ports:
    - port: 80
      targetPort: 80
---
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
