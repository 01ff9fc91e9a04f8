/**
 * `deno task sim --mutants`.
 *
 * @module
 */
// deno-lint-ignore-file no-console -- what it prints is what it is for
import { nearest, TransporterError } from "@transporter/sdk";
import type { Command } from "../options.ts";
import { Progress } from "../progress.ts";
import { isWell } from "./hunt.ts";
import { MUTANTS } from "./mod.ts";
import type { Mutant } from "./mutant.ts";
import { huntAll } from "./pool.ts";
import { formatHunts, formatList, listed } from "./table.ts";

/**
 * Finds a mutant by its name.
 *
 * @throws {TransporterError} `usage`.
 */
export function findMutant(name: string): Mutant {
  const mutant = MUTANTS.find((mutant) => mutant.name === name);
  if (mutant !== undefined) return mutant;
  const similar = nearest(name, MUTANTS.map(({ name }) => name));
  const hint = similar === undefined ? "" : `did you mean "${similar}"? `;
  throw new TransporterError(
    "usage",
    `Cannot plant "${name}" as there is no such mutant: ${hint}deno task sim --mutants --list`,
  );
}

/** All that there are, as text. */
export function listMutants(
  { output }: Extract<Command, { kind: "list" }>,
): string {
  return output === "json"
    ? JSON.stringify(MUTANTS.map(listed), null, 2)
    : formatList(MUTANTS);
}

/**
 * Plants each, looks whether it is caught, and prints what came of it.
 *
 * @returns The exit code: 1 when one was not caught that should be.
 * @throws {TransporterError} `usage` for a name that no mutant has.
 */
export async function lookForMutants(
  { names, output, ...options }: Extract<Command, { kind: "mutants" }>,
): Promise<number> {
  const mutants = names.length === 0 ? MUTANTS : names.map(findMutant);
  using progress = new Progress(mutants.length);
  let over = 0;
  const hunts = await huntAll(mutants, {
    ...options,
    over: ({ mutant, verdict }) =>
      progress.show(++over, `${mutant} is ${verdict}`),
  });
  progress.clear();
  console.log(
    output === "json" ? JSON.stringify(hunts, null, 2) : formatHunts(hunts),
  );
  return hunts.every(isWell) ? 0 : 1;
}
