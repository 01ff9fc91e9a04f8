import { defineConfig } from "@transporter/sdk";

/** The settings of the demo, once. */
export const demoConfig = defineConfig("demo", {
  listen: {
    kind: "string",
    default: "127.0.0.1:8080",
    placeholder: "HOST:PORT",
    help:
      "Where the control plane serves; another port is taken when this one is in use",
  },
  kubeconfig: {
    kind: "string",
    placeholder: "FILE",
    help: "Use a cluster of this kubeconfig",
  },
  kubeContext: {
    kind: "string",
    placeholder: "NAME",
    help:
      "Use the cluster of this context; without it and --kubeconfig, one is started",
  },
  once: {
    kind: "boolean",
    help: "Exit with 0 as soon as every event completed",
  },
  keepRunning: {
    kind: "boolean",
    help: "Leave control plane, agent and cluster running until Ctrl-C",
  },
});
