import { condition, testReadiness } from "./testing/ready_cases.ts";

testReadiness("readiness() of other built-in kinds", {
  "a namespace": [
    "v1/Namespace",
    {},
    { phase: "Active" },
    "ready: it is ready",
  ],
  "a namespace that ends": [
    "v1/Namespace",
    {},
    { phase: "Terminating" },
    'waits: its phase is "Terminating"',
  ],
  "a new definition": [
    "apiextensions.k8s.io/v1/CustomResourceDefinition",
    {},
    condition("NamesAccepted"),
    "waits: it is not established yet",
  ],
  "a definition": [
    "apiextensions.k8s.io/v1/CustomResourceDefinition",
    {},
    {
      conditions: [{ type: "NamesAccepted", status: "True" }, {
        type: "Established",
        status: "True",
      }],
    },
    "ready: it is ready",
  ],
  "a definition whose names are taken": [
    "apiextensions.k8s.io/v1/CustomResourceDefinition",
    {},
    condition("NamesAccepted", "False", { message: "taken" }),
    "failed: its names are not accepted: taken",
  ],

  "a cron job": [
    "batch/v1/CronJob",
    {},
    {},
    "ready: it is ready once it is applied",
  ],

  "a claim that is bound": [
    "v1/PersistentVolumeClaim",
    { storageClassName: "s", volumeName: "v" },
    { phase: "Bound" },
    "ready: it is bound",
  ],
  "a claim of a class": [
    "v1/PersistentVolumeClaim",
    { storageClassName: "s" },
    { phase: "Pending" },
    'waits: it is not bound to a volume of the StorageClass "s"',
  ],
  "a claim of a class, used by a pod that has a node": [
    "v1/PersistentVolumeClaim",
    { storageClassName: "s" },
    { phase: "Pending" },
    'waits: the StorageClass "s" has not made its volume yet',
    { "volume.kubernetes.io/selected-node": "n" },
  ],
  "a claim of a volume": [
    "v1/PersistentVolumeClaim",
    { storageClassName: "s", volumeName: "v" },
    { phase: "Pending" },
    'waits: it is not bound to its volume "v"',
  ],
  "a claim of no class": [
    "v1/PersistentVolumeClaim",
    { storageClassName: "" },
    { phase: "Pending" },
    "waits: there is no volume that fits, and no StorageClass to make it",
  ],
  "a claim whose volume is gone": [
    "v1/PersistentVolumeClaim",
    {},
    { phase: "Lost" },
    "failed: the volume that it was bound to is gone",
  ],

  "a service": [
    "v1/Service",
    { type: "ClusterIP" },
    { loadBalancer: {} },
    "ready: it is ready",
  ],
  "a load balancer without an address": [
    "v1/Service",
    { type: "LoadBalancer" },
    { loadBalancer: {} },
    "waits: its load balancer has no address yet",
  ],
  "a load balancer": [
    "v1/Service",
    { type: "LoadBalancer" },
    { loadBalancer: { ingress: [{ ip: "192.0.2.1" }] } },
    "ready: it is ready",
  ],

  "a budget nobody has seen": [
    "policy/v1/PodDisruptionBudget",
    {},
    { observedGeneration: 1 },
    "waits: its controller has not seen it yet",
  ],
  "a budget that cannot be counted": [
    "policy/v1/PodDisruptionBudget",
    {},
    condition("DisruptionAllowed", "False", {
      reason: "SyncFailed",
      message: "no scale",
    }),
    "waits: no scale",
  ],
  "a budget that is spent": [
    "policy/v1/PodDisruptionBudget",
    {},
    condition("DisruptionAllowed", "False", { reason: "InsufficientPods" }),
    "ready: it is ready",
  ],

  "a range of addresses nobody has seen": [
    "networking.k8s.io/v1/ServiceCIDR",
    {},
    {},
    "waits: its controller has not seen it yet",
  ],
  "a range of addresses that is going": [
    "networking.k8s.io/v1/ServiceCIDR",
    {},
    condition("Ready", "False", { message: "in use" }),
    'waits: its condition "Ready" is "False": in use',
  ],
  "a range of addresses": [
    "networking.k8s.io/v1/ServiceCIDR",
    {},
    condition("Ready"),
    "ready: it is ready",
  ],

  "an admission policy": [
    "admissionregistration.k8s.io/v1/ValidatingAdmissionPolicy",
    {},
    { observedGeneration: undefined },
    "ready: it is ready",
  ],
  "an admission policy that was changed": [
    "admissionregistration.k8s.io/v1/ValidatingAdmissionPolicy",
    {},
    { observedGeneration: 1 },
    "waits: its controller has not seen it yet",
  ],

  "an API service nobody has looked at": [
    "apiregistration.k8s.io/v1/APIService",
    {},
    {},
    "waits: nobody has looked for its server yet",
  ],
  "an API service without a server": [
    "apiregistration.k8s.io/v1/APIService",
    {},
    condition("Available", "False", { message: "no endpoints" }),
    "waits: its server is not available: no endpoints",
  ],
  "an API service": [
    "apiregistration.k8s.io/v1/APIService",
    {},
    condition("Available"),
    "ready: it is ready",
  ],
});
