import { type Hunt, isWell } from "./hunt.ts";
import type { Mutant } from "./mutant.ts";

/** What came of hunts, for people. */
export function formatHunts(hunts: readonly Hunt[]): string {
  const rows = hunts.map((hunt) => [
    hunt.mutant,
    hunt.upstream.join(" "),
    hunt.verdict,
    hunt.by.join(" "),
    String(hunt.seed ?? ""),
    String(hunt.seeds),
    hunt.seconds.toFixed(1),
  ]);
  const head = ["MUTANT", "UPSTREAM", "VERDICT", "BY", "SEED", "SEEDS", "S"];
  const bad = hunts.filter((hunt) => !isWell(hunt));
  return [
    ...columns([head, ...rows]),
    "",
    ...bad.map(({ mutant, verdict, seed, message }) =>
      `${mutant} is ${verdict}${
        seed === undefined ? "" : ` (seed ${seed})`
      }: ${message}`
    ),
    `${hunts.length} mutants, ${bad.length} not as they should be`,
  ].join("\n");
}

/** What there is, for people. */
export function formatList(mutants: readonly Mutant[]): string {
  const rows = mutants.map((mutant) => [
    mutant.name,
    mutant.upstream.join(" "),
    mutant.harmless === undefined ? mutant.breaks.join(" ") : "harmless",
    String(mutant.budget),
    mutant.does,
  ]);
  const head = ["MUTANT", "UPSTREAM", "BREAKS", "BUDGET", "WHAT IT DOES"];
  return columns([head, ...rows]).join("\n");
}

/** What there is, for programs. */
export function listed({ plant: _, ...facts }: Mutant): Omit<Mutant, "plant"> {
  return facts;
}

function columns(rows: readonly (readonly string[])[]): string[] {
  const widths = rows[0]?.map((_, column) =>
    Math.max(...rows.map((row) => row[column]?.length ?? 0))
  );
  return rows.map((row) =>
    row.map((cell, column) => cell.padEnd(widths?.[column] ?? 0)).join("  ")
      .trimEnd()
  );
}
