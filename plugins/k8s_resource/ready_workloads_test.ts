import { condition, testReadiness } from "./testing/ready_cases.ts";

testReadiness(
  "readiness() of workloads: kstatus is the floor, not the roof; suspended, paused and OnDelete are handled",
  {
    "a deployment nobody has seen": ["apps/v1/Deployment", {}, {
      observedGeneration: 1,
    }, "waits: its controller has not seen it yet"],
    "a deployment without pods": ["apps/v1/Deployment", { replicas: 2 }, {
      updatedReplicas: 1,
    }, "waits: 1 of 2 replicas are up to date"],
    "a deployment whose pods are refused": [
      "apps/v1/Deployment",
      {},
      condition("ReplicaFailure", "True", { message: "exceeded quota" }),
      "waits: 0 of 1 replicas are up to date: exceeded quota",
    ],
    "a deployment with old pods": ["apps/v1/Deployment", {}, {
      updatedReplicas: 1,
      replicas: 3,
      availableReplicas: 1,
    }, "waits: 2 old replicas are still there"],
    "a deployment whose pods start": ["apps/v1/Deployment", {}, {
      updatedReplicas: 1,
      replicas: 1,
    }, "waits: 0 of 1 replicas are available"],
    "a deployment": ["apps/v1/Deployment", {}, {
      updatedReplicas: 1,
      replicas: 1,
      availableReplicas: 1,
    }, "ready: it is ready"],
    "a deployment that shrinks": ["apps/v1/Deployment", {}, {
      updatedReplicas: 3,
      replicas: 3,
      availableReplicas: 3,
    }, "waits: 2 replicas too many are still there"],
    "a deployment of nothing": [
      "apps/v1/Deployment",
      { replicas: 0 },
      {},
      "ready: it is ready",
    ],
    "a paused deployment": [
      "apps/v1/Deployment",
      { paused: true },
      {},
      "ready: its rollout is paused",
    ],
    "a deployment that is late": [
      "apps/v1/Deployment",
      {},
      condition("Progressing", "False", {
        reason: "ProgressDeadlineExceeded",
        message: "too late",
      }),
      "failed: too late",
    ],
    "a deployment that was late before": [
      "apps/v1/Deployment",
      {},
      {
        observedGeneration: 1,
        ...condition("Progressing", "False", {
          reason: "ProgressDeadlineExceeded",
        }),
      },
      "waits: its controller has not seen it yet",
    ],

    "a stateful set whose pods start": [
      "apps/v1/StatefulSet",
      { replicas: 3 },
      {
        readyReplicas: 1,
      },
      "waits: 1 of 3 replicas are ready",
    ],
    "a stateful set that rolls": ["apps/v1/StatefulSet", { replicas: 3 }, {
      readyReplicas: 3,
      updatedReplicas: 1,
    }, "waits: 1 of 3 replicas are up to date"],
    "a stateful set with a partition": [
      "apps/v1/StatefulSet",
      { replicas: 3, updateStrategy: { rollingUpdate: { partition: 2 } } },
      {
        readyReplicas: 3,
        updatedReplicas: 1,
        updateRevision: "b",
        currentRevision: "a",
      },
      "ready: it is ready",
    ],
    "a stateful set with two revisions": [
      "apps/v1/StatefulSet",
      {},
      {
        readyReplicas: 1,
        updatedReplicas: 1,
        updateRevision: "b",
        currentRevision: "a",
      },
      "waits: the old revision is still there",
    ],
    "a stateful set": ["apps/v1/StatefulSet", {}, {
      readyReplicas: 1,
      updatedReplicas: 1,
      updateRevision: "a",
      currentRevision: "a",
    }, "ready: it is ready"],
    "a stateful set that shrinks": ["apps/v1/StatefulSet", {}, {
      replicas: 3,
      readyReplicas: 3,
      updatedReplicas: 3,
      updateRevision: "a",
      currentRevision: "a",
    }, "waits: 2 replicas too many are still there"],
    "a stateful set OnDelete": [
      "apps/v1/StatefulSet",
      { updateStrategy: { type: "OnDelete" } },
      { readyReplicas: 1, updateRevision: "b", currentRevision: "a" },
      "ready: its pods are replaced when they are deleted",
    ],
    "a stateful set OnDelete whose pods start": [
      "apps/v1/StatefulSet",
      { updateStrategy: { type: "OnDelete" } },
      {},
      "waits: 0 of 1 replicas are ready",
    ],
    "a stateful set OnDelete nobody has seen": [
      "apps/v1/StatefulSet",
      { updateStrategy: { type: "OnDelete" } },
      { observedGeneration: 1, readyReplicas: 1 },
      "waits: its controller has not seen it yet",
    ],

    "a daemon set that rolls": ["apps/v1/DaemonSet", {}, {
      desiredNumberScheduled: 2,
      updatedNumberScheduled: 1,
    }, "waits: 1 of 2 pods are up to date"],
    "a daemon set whose pods start": ["apps/v1/DaemonSet", {}, {
      desiredNumberScheduled: 2,
      updatedNumberScheduled: 2,
      numberAvailable: 1,
    }, "waits: 1 of 2 pods are available"],
    "a daemon set": ["apps/v1/DaemonSet", {}, {
      desiredNumberScheduled: 1,
      updatedNumberScheduled: 1,
      numberAvailable: 1,
    }, "ready: it is ready"],
    "a daemon set OnDelete": [
      "apps/v1/DaemonSet",
      { updateStrategy: { type: "OnDelete" } },
      { desiredNumberScheduled: 2, numberAvailable: 2 },
      "ready: its pods are replaced when they are deleted",
    ],
    "a daemon set OnDelete whose pods start": [
      "apps/v1/DaemonSet",
      { updateStrategy: { type: "OnDelete" } },
      { desiredNumberScheduled: 2, numberAvailable: 1 },
      "waits: 1 of 2 pods are available",
    ],
    "a daemon set OnDelete nobody has seen": [
      "apps/v1/DaemonSet",
      { updateStrategy: { type: "OnDelete" } },
      { observedGeneration: 1 },
      "waits: its controller has not seen it yet",
    ],
    "a daemon set nobody has seen": ["apps/v1/DaemonSet", {}, {
      observedGeneration: 0,
    }, "waits: its controller has not seen it yet"],

    "a job that runs": [
      "batch/v1/Job",
      { completions: 3 },
      { succeeded: 1 },
      "waits: 1 of 3 pods have succeeded",
    ],
    "a job": [
      "batch/v1/Job",
      {},
      condition("Complete"),
      "ready: it is complete",
    ],
    "a job that failed": [
      "batch/v1/Job",
      {},
      condition("Failed", "True", { reason: "DeadlineExceeded" }),
      "failed: DeadlineExceeded",
    ],
    "a job that is to wait": [
      "batch/v1/Job",
      { suspend: true },
      {},
      "ready: it is suspended",
    ],

    "a new pod": ["v1/Pod", {}, {}, 'waits: its phase is "Pending"'],
    "a pod without a node": [
      "v1/Pod",
      {},
      condition("PodScheduled", "False", { message: "no nodes" }),
      "waits: it is not scheduled: no nodes",
    ],
    "a pod without its image": [
      "v1/Pod",
      {},
      {
        phase: "Pending",
        containerStatuses: [{
          name: "c",
          state: { waiting: { reason: "ImagePullBackOff" } },
        }],
      },
      'waits: its container "c" waits: ImagePullBackOff',
    ],
    "a pod": [
      "v1/Pod",
      {},
      { phase: "Running", ...condition("Ready") },
      "ready: it is ready",
    ],
    "a pod that is done": [
      "v1/Pod",
      {},
      { phase: "Succeeded" },
      "ready: it has succeeded",
    ],
    "a pod that failed": [
      "v1/Pod",
      {},
      { phase: "Failed", reason: "Evicted" },
      "failed: Evicted",
    ],
    "a pod that failed without a word": [
      "v1/Pod",
      {},
      { phase: "Failed" },
      "failed: it has failed",
    ],

    "a replica set nobody has seen": [
      "apps/v1/ReplicaSet",
      {},
      { observedGeneration: 1, availableReplicas: 1 },
      "waits: its controller has not seen it yet",
    ],
    "a replica set whose pods start": [
      "apps/v1/ReplicaSet",
      { replicas: 2 },
      { replicas: 2, availableReplicas: 1 },
      "waits: 1 of 2 replicas are available",
    ],
    "a replica set whose pods are refused": [
      "apps/v1/ReplicaSet",
      {},
      condition("ReplicaFailure", "True", { message: "exceeded quota" }),
      "waits: 0 of 1 replicas are available: exceeded quota",
    ],
    "a replica set that shrinks": [
      "apps/v1/ReplicaSet",
      { replicas: 1 },
      { replicas: 3, availableReplicas: 3 },
      "waits: 2 replicas too many are still there",
    ],
    "a replica set": [
      "apps/v1/ReplicaSet",
      { replicas: 2 },
      { replicas: 2, availableReplicas: 2 },
      "ready: it is ready",
    ],
    "a replication controller whose pods start": [
      "v1/ReplicationController",
      {},
      { replicas: 1 },
      "waits: 0 of 1 replicas are available",
    ],
    "a replication controller": [
      "v1/ReplicationController",
      {},
      { replicas: 1, availableReplicas: 1 },
      "ready: it is ready",
    ],
  },
);
