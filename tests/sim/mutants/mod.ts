/**
 * Every fault that is planted into the program. The core knows nothing of them.
 *
 * @module
 */
import { AGENTS } from "./agents.ts";
import { CARRIERS } from "./carriers.ts";
import { DELIVERY } from "./delivery.ts";
import { OUTPUTS } from "./outputs.ts";
import { DISKS } from "./disks.ts";
import { INTAKE } from "./intake.ts";
import type { Mutant } from "./mutant.ts";
import { OPERATIONS } from "./operations.ts";
import { QUEUE } from "./queue.ts";
import { RECORDS } from "./records.ts";
import { REPLICAS } from "./replicas.ts";
import { SESSIONS } from "./sessions.ts";
import { WINDOWS } from "./windows.ts";

/** All of them, by the part of the program that they are in. */
export const MUTANTS: readonly Mutant[] = [
  ...INTAKE,
  ...QUEUE,
  ...DELIVERY,
  ...WINDOWS,
  ...SESSIONS,
  ...AGENTS,
  ...OUTPUTS,
  ...RECORDS,
  ...DISKS,
  ...REPLICAS,
  ...CARRIERS,
  ...OPERATIONS,
];
