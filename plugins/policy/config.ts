import * as v from "valibot";
import { configSchema as clusterSchema } from "../k8s_resource/mod.ts";

/** What the operator may set: which cluster, if there is one. */
export const configSchema = v.strictObject({
  /** The cluster whose objects are looked at; without one, only manifests are judged. */
  cluster: v.optional(clusterSchema),
});

/** What the schema accepts. */
export type Config = v.InferOutput<typeof configSchema>;
