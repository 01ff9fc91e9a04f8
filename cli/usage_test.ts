import { strictEqual } from "node:assert/strict";
import { ScriptedServer } from "./testing/server.ts";
import { run, type TestHostOptions } from "./testing/host.ts";

interface Case {
  readonly name: string;
  readonly args: string;
  readonly options?: TestHostOptions;
  readonly code?: number;
  readonly stderr: string;
}

const MANIFEST = "kind: Namespace\n";
const K8S = "send k8s --agent edge-7";
const files = {
  "ns.yaml": MANIFEST,
  "empty.yaml": " \n",
  "notes/readme.txt": "text",
  "notes/deep/ns.yaml": MANIFEST,
  "binary.yaml": new Uint8Array([0x6b, 0xff, 0xfe]),
  "event.yaml": "type: k8s_resource\n",
  "list.yaml": "- 1\n",
  "two.yaml": "a: 1\n---\nb: 2\n",
  "broken.yaml": "a: [1\nb: 2\n",
  "bomb.yaml": "a: &a [1,1,1,1,1,1,1,1,1,1]\nb: &b [*a,*a,*a,*a,*a,*a]\n" +
    "c: [*b,*b,*b,*b,*b,*b,*b,*b,*b,*b,*b,*b,*b,*b,*b,*b,*b,*b]\n",
  "twice.json": '{"type": "a", "type": "b"}',
  "unknown.yaml": "type: a\ntarget_agent: b\npayload: {}\ncolour: red\n",
  "number.yaml": "type: a\ntarget_agent: b\npayload: {}\nlabels: {a: 1}\n",
  "idd.yaml": "id: one\ntype: a\npayload: {}\n",
};

const CASES: readonly Case[] = [
  {
    name: "a command with a typo",
    args: "gte events",
    stderr: 'error[usage]: Unknown command "gte": did you mean "get"?',
  },
  {
    name: "a command like nothing else",
    args: "frobnicate",
    stderr:
      'error[usage]: Unknown command "frobnicate": see "transporter --help"',
  },
  {
    name: "a second word with a typo",
    args: "get evnts",
    stderr: 'error[usage]: Unknown command "evnts": did you mean "events"?',
  },
  {
    name: "a group alone",
    args: "send",
    stderr:
      'error[usage]: "transporter send" needs a command: it is one of k8s, script, policy, event',
  },
  {
    name: "help for what is not there",
    args: "help send mail",
    stderr:
      'error[usage]: "transporter send" has no command "mail": it is one of k8s, script, policy, event',
  },
  {
    name: "an option with a typo",
    args: `${K8S} -f ns.yaml --prority 3`,
    stderr:
      'error[usage]: Unknown option "--prority": did you mean "--priority"?',
  },
  {
    name: "an option that does not exist yet",
    args: `${K8S} -f ns.yaml --prune`,
    stderr:
      'error[usage]: Unknown option "--prune": see "transporter send k8s --help"',
  },
  {
    name: "an option without its value",
    args: "get events --agent",
    stderr:
      'error[usage]: Option "--agent <ID>" argument missing: see "transporter get events --help"',
  },
  {
    name: "no source",
    args: K8S,
    stderr:
      'error[usage]: Required option "-f, --manifest <SOURCE>" not specified: see "transporter send k8s --help"',
  },
  {
    name: "no id",
    args: "get event",
    stderr:
      'error[usage]: Missing required argument "ID": see "transporter get event --help"',
  },
  {
    name: "a word too many",
    args: "get event a b",
    stderr:
      'error[usage]: Too many arguments for "event": expected 1 argument but got 2: a, b; see "transporter get event --help"',
  },
  {
    name: "an id that cannot be one",
    args: "describe event a/b",
    stderr:
      'error[usage]: Cannot use the event id "a/b": it must be 1 to 128 of the characters A-Z a-z 0-9 . _ : -, not "." or ".."',
  },
  {
    name: "a state that is none",
    args: "get events --state done",
    stderr:
      'error[usage]: Cannot use --state "done": it must be one of created, queued, assigned, in_progress, completed, failed, expired, cancelled',
  },
  {
    name: "no agent",
    args: "send k8s -f ns.yaml",
    stderr:
      'error[usage]: Cannot send it without an agent: name one with --agent, "transporter get agents" lists them',
  },
  {
    name: "an id for two agents",
    args: "send k8s -f ns.yaml --agent a --agent b --id one",
    stderr:
      'error[usage]: Cannot send the id "one" to 2 agents: each gets an event of its own, so leave out --id',
  },
  {
    name: "an id in a file for two agents",
    args: "send event -f idd.yaml --agent a --agent b",
    stderr:
      'error[usage]: Cannot send the id "one" to 2 agents: each gets an event of its own, so take the id out of the file',
  },
  {
    name: "an agent twice",
    args: "send k8s -f ns.yaml --agent a --agent a",
    stderr:
      'error[usage]: Cannot use --agent "a" twice: it would get the same event two times',
  },
  {
    name: "an agent that cannot be one",
    args: "send k8s -f ns.yaml --agent -x-",
    stderr:
      'error[usage]: Cannot use the agent id "-x-": it must be 1 to 128 letters, digits, dots, underscores and hyphens, with a letter or digit at both ends',
  },
  {
    name: "a label without a value",
    args: `${K8S} -f ns.yaml --label team`,
    stderr:
      'error[usage]: Cannot use --label "team": it must be like "team=platform"',
  },
  {
    name: "a label twice",
    args: `${K8S} -f ns.yaml --label a=1 --label a=2`,
    stderr:
      'error[usage]: Cannot use --label "a" twice: an event has one value for it',
  },
  {
    name: "a ttl that is none",
    args: `${K8S} -f ns.yaml --ttl tomorrow`,
    stderr:
      'error[usage]: Cannot use --ttl "tomorrow": it must be a duration of at most 30 days, such as "24h" or "90m"',
  },
  {
    name: "a ttl of nothing",
    args: `${K8S} -f ns.yaml --ttl 0s`,
    stderr:
      'error[usage]: Cannot use --ttl "0s": it must be a duration of at most 30 days, such as "24h" or "90m"',
  },
  {
    name: "a ttl of a year",
    args: `${K8S} -f ns.yaml --ttl 365d`,
    stderr:
      'error[usage]: Cannot use --ttl "365d": it must be a duration of at most 30 days, such as "24h" or "90m"',
  },
  {
    name: "a priority out of range",
    args: `${K8S} -f ns.yaml --priority 10`,
    stderr:
      'error[usage]: Cannot use --priority "10": it must be an integer from 0 to 9',
  },
  {
    name: "a goal that is none",
    args: `${K8S} -f ns.yaml --wait=ready`,
    stderr:
      'error[usage]: Cannot use --wait "ready": it must be one of assigned, received, validating, applying, verifying, completed',
  },
  {
    name: "a timeout without a wait",
    args: `${K8S} -f ns.yaml --timeout 5s`,
    stderr:
      "error[usage]: Cannot use --timeout without --wait: there is nothing to wait for",
  },
  {
    name: "a file that is not there",
    args: `${K8S} -f nope.yaml`,
    stderr:
      'error[usage]: Cannot find "nope.yaml": there is no such file or folder',
  },
  {
    name: "a name that paints the terminal",
    args: `${K8S} -f \u001b[31mnope`,
    stderr:
      'error[usage]: Cannot find "\\u001b[31mnope": there is no such file or folder',
  },
  {
    name: "a folder without manifests",
    args: `${K8S} -f notes`,
    stderr:
      'error[usage]: Cannot find manifests in "notes": no file there ends in .yaml, .yml or .json; -R also looks into its folders',
  },
  {
    name: "a binary file",
    args: `${K8S} -f binary.yaml`,
    code: 4,
    stderr:
      'error[invalid_manifest]: Cannot read "binary.yaml" as it is not text in UTF-8',
  },
  {
    name: "an empty file",
    args: `${K8S} -f empty.yaml`,
    code: 4,
    stderr: 'error[invalid_manifest]: Cannot use "empty.yaml" as it is empty',
  },
  {
    name: "empty standard input",
    args: `${K8S} -f -`,
    code: 4,
    stderr: "error[invalid_manifest]: Cannot use standard input as it is empty",
  },
  {
    name: "standard input twice",
    args: `${K8S} -f - -f -`,
    stderr:
      'error[usage]: Cannot use -f "-" twice: standard input can be read once',
  },
  {
    name: "an address of another kind",
    args: `${K8S} -f ftp://example.com/ns.yaml`,
    stderr:
      'error[usage]: Cannot read "ftp://example.com/ns.yaml": an address starts with http:// or https://',
  },
  {
    name: "two files for one event",
    args: "send event -f event.yaml -f list.yaml",
    stderr:
      'error[usage]: Cannot use -f twice: it is "event.yaml", then "list.yaml"',
  },
  {
    name: "an event that is a list",
    args: "send event -f list.yaml",
    code: 4,
    stderr:
      'error[wrong_type]: Cannot send "list.yaml" as it is no event: it must be a mapping with "type", "target_agent" and "payload"',
  },
  {
    name: "two events in a file",
    args: "send event -f two.yaml",
    code: 4,
    stderr:
      'error[invalid_yaml]: Cannot send "two.yaml" as it has 2 documents: an event is one',
  },
  {
    name: "an event that is no YAML",
    args: "send event -f broken.yaml",
    code: 4,
    stderr:
      'error[invalid_yaml]: Cannot send "broken.yaml" as it is no YAML: Flow sequence in block collection must be sufficiently indented and end with a ] at line 2, column 1',
  },
  {
    name: "an event that grows out of aliases",
    args: "send event -f bomb.yaml",
    code: 4,
    stderr:
      'error[invalid_yaml]: Cannot send "bomb.yaml" as it is no YAML: Excessive alias count indicates a resource exhaustion attack',
  },
  {
    name: "an event with a key twice",
    args: "send event -f twice.json",
    code: 4,
    stderr:
      'error[duplicate_key]: Cannot read "twice.json": the key "type" is there twice',
  },
  {
    name: "an event with a field that is not known",
    args: "send event -f unknown.yaml",
    code: 4,
    stderr:
      'error[unknown_field]: Cannot accept "unknown.yaml" as the field "colour" is not known',
  },
  {
    name: "an event with a label that is no text",
    args: "send event -f number.yaml",
    code: 4,
    stderr:
      'error[wrong_type]: Cannot accept "number.yaml" as "labels.a" must be a string: it is a number',
  },
  {
    name: "an event without an agent",
    args: "send event -f event.yaml",
    stderr:
      'error[usage]: Cannot send it without an agent: name one with --agent, "transporter get agents" lists them',
  },
  {
    name: "a shared option that a command does not know",
    args: "--cp-url http://localhost:1 version",
    stderr:
      'error[usage]: Cannot use --cp-url with "transporter version": "transporter version --help" shows what it takes',
  },
  {
    name: "a format that a command does not have",
    args: "-o name doctor",
    stderr:
      'error[usage]: Cannot use --output name with "transporter doctor": "transporter doctor --help" shows what it takes',
  },
  {
    name: "an address and a context",
    args: "get agents --cp-url http://localhost:1 --context prod",
    stderr:
      'error[usage]: Cannot use both "--cp-url" and "--context": each names a control plane',
  },
  {
    name: "an address that is none",
    args: "get agents --cp-url localhost:8080",
    stderr:
      'error[usage]: Cannot use the address "localhost:8080" of --cp-url: it must be like "http://127.0.0.1:8080"',
  },
  {
    name: "a shell that nobody knows",
    args: "completion tcsh",
    stderr:
      'error[usage]: Command-argument value "tcsh": it must be one of bash, zsh, fish, powershell; see "transporter completion --help"',
  },
];

for (const { name, args, options, code = 2, stderr } of CASES) {
  Deno.test(`runCli() refuses ${name}, and sends nothing`, async () => {
    await using server = new ScriptedServer();
    const ran = await run(args.split(" "), {
      url: server.url,
      files,
      ...options,
    });
    strictEqual(ran.stderr, `${stderr}\n`);
    strictEqual(ran.code, code);
    strictEqual(ran.stdout, "");
    strictEqual(server.requests.length, 0);
  });
}
