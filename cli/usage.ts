import type {
  CommanderError,
  CommandUnknownOpts,
} from "@commander-js/extra-typings";
import { TransporterError } from "@transporter/sdk";
import { pathOf } from "./globals.ts";
import { safe } from "./text.ts";

/**
 * Says in our words what commander says in its own.
 *
 * @param error What it found.
 * @param command Where on the command line.
 */
export function usageOf(
  error: CommanderError,
  command: CommandUnknownOpts,
): TransporterError {
  const path = pathOf(command);
  const [first = "", second = ""] = error.message.split("\n");
  const said = first.replace(/^error: /, "").replace(/\.$/, "")
    .replace(
      / is invalid(?: for argument '[^']*')?\. Allowed choices are /,
      ": it must be one of ",
    )
    .replace(/\. Expected /, ": expected ")
    .replace(/'([^']*)'/g, '"$1"');
  const near = /^\(Did you mean (?:one of )?(.*)\?\)$/.exec(second)?.[1];
  const cure = near === undefined
    ? `see "${path} --help"`
    : `did you mean ${
      near.split(", ").map((each) => `"${each}"`).join(" or ")
    }?`;
  const wanted = said.charAt(0).toUpperCase() + said.slice(1);
  const joint = wanted.includes(": ") ? "; " : ": ";
  return new TransporterError("usage", wanted + joint + cure, { cause: error });
}

/** A group was named, and nothing of what is in it; `typed` is what was named in its place. */
export function missingCommand(
  command: CommandUnknownOpts,
  typed?: string,
): TransporterError {
  const names = command.commands.map((each) => each.name()).join(", ");
  const path = pathOf(command);
  const what = typed === undefined
    ? `"${path}" needs a command`
    : `"${path}" has no command "${safe(typed)}"`;
  return new TransporterError(
    "usage",
    names === "" ? what : `${what}: it is one of ${names}`,
  );
}
