/**
 * CloudEvents 1.0: read from their JSON format and from headers, and written.
 *
 * @see {@link https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/spec.md}
 * @module
 */
import { type ErrorCode, TransporterError } from "./error.ts";
import { printable, typeOf } from "./event_fields.ts";
import { isRecord, parseJson } from "./json.ts";
import { parseTime } from "./time.ts";

/** The media type of one CloudEvent as JSON. */
export const CLOUD_EVENT_TYPE = "application/cloudevents+json";

/** The media type of a list of CloudEvents as JSON. */
export const CLOUD_EVENTS_TYPE = "application/cloudevents-batch+json";

/** What names of headers begin with that are attributes of a CloudEvent. */
export const CLOUD_EVENT_PREFIX = "ce-";

/** An event in the form on which the field has agreed. Its other attributes are extensions. */
export interface CloudEvent {
  /** The version of the specification. */
  readonly specversion: "1.0";
  /** Unique for its source. */
  readonly id: string;
  /** Where it is from. */
  readonly source: string;
  /** What happened, or is asked. */
  readonly type: string;
  /** What it is about, within its source. */
  readonly subject?: string;
  /** When, RFC 3339. */
  readonly time?: string;
  /** The media type of the data; JSON when absent. */
  readonly datacontenttype?: string;
  /** What the data looks like. */
  readonly dataschema?: string;
  /** Attributes that the specification does not have. */
  readonly extensions: Readonly<Record<string, string | number | boolean>>;
  /** The data. */
  readonly data?: unknown;
}

const ATTRIBUTE_REGEXP = /^[a-z0-9]+$/;
const JSON_TYPE_REGEXP = /^[\w.+-]+\/(?:[\w.+-]+\+)?json *(?:;|$)/i;

const KNOWN = [
  "specversion",
  "id",
  "source",
  "type",
  "subject",
  "time",
  "datacontenttype",
  "dataschema",
] as const;
const KNOWN_NAMES: ReadonlySet<string> = new Set(KNOWN);

/** Refuses a CloudEvent. */
function refuse(code: ErrorCode, problem: string, field: string): never {
  throw new TransporterError(
    code,
    `Cannot accept the CloudEvent as ${problem}`,
    {
      details: { field },
    },
  );
}

/** Reads the attributes, which have the same rules in every form. */
function readAttributes(
  attributes: Readonly<Record<string, unknown>>,
): Omit<CloudEvent, "data"> {
  const known: Partial<Record<typeof KNOWN[number], string>> = {};
  const extensions: Record<string, string | number | boolean> = {};
  for (const [name, value] of Object.entries(attributes)) {
    if (value === null || value === undefined) continue; // absent, as the JSON format says
    if (!ATTRIBUTE_REGEXP.test(name)) {
      refuse(
        "unknown_field",
        `the name of an attribute must be of a-z and 0-9 only: current name is "${
          printable(name)
        }"`,
        name,
      );
    }
    if (KNOWN_NAMES.has(name)) {
      if (typeof value !== "string") {
        refuse(
          "wrong_type",
          `"${name}" must be a string: it is ${typeOf(value)}`,
          name,
        );
      }
      if (value === "") refuse("invalid", `"${name}" must not be empty`, name);
      known[name as typeof KNOWN[number]] = value;
    } else if (
      typeof value === "string" || typeof value === "boolean" ||
      typeof value === "number" && Number.isInteger(value)
    ) {
      extensions[name] = value;
    } else {
      refuse(
        "wrong_type",
        `the extension "${name}" must be a string, an integer or a boolean: it is ${
          typeOf(value)
        }`,
        name,
      );
    }
  }
  const { specversion, id, source, type, ...rest } = known;
  if (specversion !== undefined && specversion !== "1.0") {
    refuse(
      "invalid",
      `"specversion" must be "1.0": current value is "${
        printable(specversion)
      }"`,
      "specversion",
    );
  }
  for (
    const [name, value] of Object.entries({ specversion, id, source, type })
  ) {
    if (value === undefined) {
      refuse("missing_field", `"${name}" is missing`, name);
    }
  }
  if (rest.time !== undefined && parseTime(rest.time) === undefined) {
    refuse(
      "invalid",
      `"time" must be an RFC 3339 time: current value is "${
        printable(rest.time)
      }"`,
      "time",
    );
  }
  return {
    specversion: "1.0",
    id: id ?? "",
    source: source ?? "",
    type: type ?? "",
    ...rest,
    extensions,
  };
}

/** Whether data of a media type is JSON; without one it is. */
function isJson(type: string | undefined): boolean {
  return type === undefined || JSON_TYPE_REGEXP.test(type);
}

/**
 * Reads a CloudEvent in its JSON format.
 *
 * @param value The parsed JSON.
 * @throws {TransporterError} `wrong_type`, `missing_field`, `unknown_field`, `invalid`, `invalid_json`.
 * @see {@link https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/formats/json-format.md}
 */
export function readCloudEvent(value: unknown): CloudEvent {
  if (!isRecord(value)) {
    throw new TransporterError(
      "wrong_type",
      `Cannot accept the CloudEvent as it must be a JSON object: it is ${
        typeOf(value)
      }`,
    );
  }
  const { data, data_base64: base64, ...attributes } = value;
  const event = readAttributes(attributes);
  if (base64 === undefined || base64 === null) {
    return data === undefined ? event : { ...event, data };
  }
  if (data !== undefined && data !== null) {
    refuse(
      "invalid",
      'it must not have both "data" and "data_base64"',
      "data_base64",
    );
  }
  if (typeof base64 !== "string") {
    refuse(
      "wrong_type",
      `"data_base64" must be a string: it is ${typeOf(base64)}`,
      "data_base64",
    );
  }
  return { ...event, data: readData(event, fromBase64(base64)) };
}

function fromBase64(text: string): Uint8Array {
  try {
    return Uint8Array.from(atob(text), (char) => char.charCodeAt(0));
  } catch {
    return refuse("invalid", '"data_base64" must be in Base64', "data_base64");
  }
}

/** Data in bytes; what is no JSON stays bytes. */
function readData(
  { datacontenttype }: Pick<CloudEvent, "datacontenttype">,
  bytes: Uint8Array,
): unknown {
  return isJson(datacontenttype) ? parseJson(bytes) : bytes;
}

/**
 * Reads a CloudEvent whose attributes are in headers, and its data in the body.
 *
 * @param headers The headers, with names in small letters; those that begin with `ce-` count, and `content-type`.
 * @param body The data.
 * @throws {TransporterError} What {@linkcode readCloudEvent} throws.
 * @see {@link https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/bindings/http-protocol-binding.md#31-binary-content-mode}
 */
export function readBinaryCloudEvent(
  headers: Readonly<Record<string, string>>,
  body: Uint8Array,
): CloudEvent {
  const attributes: Record<string, string> = {};
  for (const [header, value] of Object.entries(headers)) {
    if (!header.startsWith(CLOUD_EVENT_PREFIX)) continue;
    const name = header.slice(CLOUD_EVENT_PREFIX.length);
    attributes[name] = decodeHeader(name, value);
  }
  const type = headers["content-type"];
  if (attributes["datacontenttype"] !== undefined) {
    refuse(
      "unknown_field",
      'the header "ce-datacontenttype" is not known: it is "content-type"',
      "datacontenttype",
    );
  }
  const event = readAttributes({
    ...attributes,
    ...(type === undefined ? {} : { datacontenttype: type }),
  });
  return body.length === 0 ? event : { ...event, data: readData(event, body) };
}

/** @see {@link https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/bindings/http-protocol-binding.md#3132-http-header-values} */
function decodeHeader(name: string, value: string): string {
  const quoted = /^"(.*)"$/s.exec(value.trim())?.[1];
  const plain = quoted === undefined
    ? value
    : quoted.replaceAll(/\\(.)/gs, "$1");
  try {
    if (!/^[\x20-\x7e]*$/.test(plain)) throw new URIError("Not ASCII");
    return decodeURIComponent(plain);
  } catch {
    return refuse(
      "invalid",
      `the header "ce-${name}" must be in UTF-8, percent-encoded: current value is "${
        printable(value)
      }"`,
      name,
    );
  }
}

/** Writes a CloudEvent in its JSON format. */
export function writeCloudEvent(
  { extensions, data, ...attributes }: CloudEvent,
): string {
  return JSON.stringify({
    ...attributes,
    ...extensions,
    ...(data === undefined ? {} : { data }),
  });
}
