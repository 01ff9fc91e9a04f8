import { isRecord, parseJson, TransporterError } from "@transporter/sdk";
import type { CommandUnknownOpts } from "@commander-js/extra-typings";
import { parseAllDocuments } from "yaml";
import { addGlobals, CLIENT_GLOBALS } from "./globals.ts";
import { type CommandContext, examples } from "./command.ts";
import { deliver } from "./deliver.ts";
import type { Host } from "./host.ts";
import { onlyOnce } from "./options.ts";
import {
  addSendCommand,
  type Base,
  checkDraft,
  deliverOptions,
  draftsOf,
  type SendFlags,
} from "./send_options.ts";
import { readSources, type Source } from "./sources.ts";

interface EventFlags extends SendFlags {
  readonly file: string;
}

/** Aliases of one document, as in a manifest. */
const ALIASES_MAX = 100;

function parseYaml({ name, text }: Source): unknown {
  const documents = parseAllDocuments(text, { prettyErrors: true });
  if (!Array.isArray(documents) || documents.length !== 1) {
    throw new TransporterError(
      "invalid_yaml",
      `Cannot send ${name} as it has ${documents.length} documents: an event is one`,
    );
  }
  const [document] = documents;
  const [problem] = document?.errors ?? [];
  try {
    if (problem !== undefined) throw problem;
    return document?.toJS({ maxAliasCount: ALIASES_MAX });
  } catch (cause) {
    const [why = ""] = cause instanceof Error ? cause.message.split("\n") : [];
    throw new TransporterError(
      "invalid_yaml",
      `Cannot send ${name} as it is no YAML: ${why.replace(/:$/, "")}`,
      { cause },
    );
  }
}

/** Says in which file it is, where a message only says what. */
function inFile(error: unknown, what: string, source: Source) {
  const { code, message, details } = TransporterError.from(error);
  return new TransporterError(code, message.replace(what, source.name), {
    cause: error,
    ...(details === undefined ? {} : { details }),
  });
}

/** Reads the event in a file; its fields are not checked yet. */
export function parseEvent(source: Source): Readonly<Record<string, unknown>> {
  const isJson = source.text.trimStart().startsWith("{");
  let value: unknown;
  try {
    value = isJson ? parseJson(source.text) : parseYaml(source);
  } catch (error) {
    throw inFile(error, "the JSON", source);
  }
  if (isRecord(value)) return value;
  throw new TransporterError(
    "wrong_type",
    `Cannot send ${source.name} as it is no event: it must be a mapping with "type", "target_agent" and "payload"`,
  );
}

async function run(flags: EventFlags, host: Host) {
  const options = deliverOptions(flags);
  const [source] = await readSources([flags.file], host);
  if (source === undefined) throw new RangeError("A file is one source");
  // Its fields are checked by checkDraft, in the form in which they would be sent.
  const base = parseEvent(source) as unknown as Base;
  const drafts = draftsOf(base, flags, host);
  for (const draft of drafts) {
    try {
      await checkDraft(draft, host);
    } catch (error) {
      // Nobody has seen an id that was made just now.
      const isNew = flags.id === undefined && base.id === undefined;
      throw inFile(error, isNew ? `event "${draft.id}"` : "the event", source);
    }
  }
  return { drafts, options };
}

/** Adds `send event`. */
export function addSendEvent(
  parent: CommandUnknownOpts,
  context: CommandContext,
): void {
  const command = addSendCommand(parent, "event")
    .summary("send an event of any type from a file")
    .description(
      "Send an event of any type from a file.\n\n" +
        "The file has the event's fields, as JSON or YAML: type, target_agent, payload, and what is not left to " +
        "the control plane. Flags win over the file.",
    )
    .requiredOption(
      "-f, --file <SOURCE>",
      "file, http(s) address, or - for standard input",
      (value: string, previous: string | undefined) =>
        onlyOnce("-f", value, previous),
    )
    .action(async (flags, self) => {
      const invocation = context.open(self);
      const { drafts, options } = await run(flags, invocation.host);
      context.finish(await deliver(invocation, drafts, options));
    });
  addGlobals(command, CLIENT_GLOBALS);
  examples(command, [
    [
      "Send an event as it is in a file",
      "transporter send event -f event.yaml --wait",
    ],
    [
      "Send the same to another agent, under an id of its own",
      "transporter send event -f event.yaml --agent edge-8 --id deploy-8",
    ],
  ]);
}
