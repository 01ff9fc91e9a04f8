import { cutBy, TransporterError } from "@transporter/sdk";
import type { Invocation } from "./invocation.ts";

/** Far longer than any answer; the rest of what was pasted is not read. */
const ANSWER_BYTES_MAX = 1024;

/** Reads a line that a person types. */
async function line(invocation: Invocation): Promise<string> {
  const { stdin, signal } = invocation.host;
  const decoder = new TextDecoder();
  let text = "";
  for await (const chunk of cutBy(stdin.open(), signal)) {
    text += decoder.decode(chunk, { stream: true });
    if (text.includes("\n") || text.length > ANSWER_BYTES_MAX) break;
  }
  return text.split("\n")[0]?.trim() ?? "";
}

/**
 * Asks a person before something is done that cannot be undone.
 *
 * @param invocation The command; standard input can be asked once.
 * @param question Makes the question, one line without its mark, safe for a terminal.
 * @returns Whether they said yes; everything else is no.
 * @throws {TransporterError} `usage` when there is nobody to ask, `cancelled` on Ctrl-C.
 */
export async function confirm(
  invocation: Invocation,
  question: () => Promise<string>,
): Promise<boolean> {
  const { stdin, stderr } = invocation.host;
  if (!stdin.isTerminal) {
    throw new TransporterError(
      "usage",
      "Cannot ask whether that is really wanted as nobody is at the terminal: add --yes if it is",
    );
  }
  stderr.write(`${await question()}? [y/N] `);
  return /^y(es)?$/i.test(await line(invocation));
}
