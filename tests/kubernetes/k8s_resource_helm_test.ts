import { deepStrictEqual, match, strictEqual } from "node:assert/strict";
import {
  changes,
  configMap,
  configMapPath,
  openPlace,
  type Place,
  read,
  type Run,
  runEvent,
} from "./k8s_resource.ts";
import { findTool, type Tool, toolFor } from "./tools.ts";

/** Without Helm there is nothing to test: it is no part of what tests build. */
const ignore = findTool("helm") === undefined;

interface Live {
  readonly metadata: {
    readonly annotations?: Readonly<Record<string, string>>;
    readonly managedFields: readonly {
      readonly manager: string;
      readonly operation: string;
    }[];
  };
  readonly data?: Readonly<Record<string, string>>;
}

/** A place, Helm in it, and a chart of which it makes releases. */
interface Scene extends AsyncDisposable {
  readonly place: Place;
  readonly helm: Tool;
  /** The folder of a chart with one ConfigMap, whose data are its values. */
  readonly chart: string;
  /** How it writes: from version 4 on it applies as we do. */
  readonly writes: "Update" | "Apply";
  /** What it needs to take a field from another manager. */
  readonly force: readonly string[];
}

async function open(): Promise<Scene> {
  await using stack = new AsyncDisposableStack();
  const place = stack.use(await openPlace());
  const chart = await Deno.makeTempDir({ prefix: "chart-" });
  stack.defer(() => Deno.remove(chart, { recursive: true }));
  await Deno.mkdir(`${chart}/templates`);
  await Deno.writeTextFile(
    `${chart}/Chart.yaml`,
    "apiVersion: v2\nname: shop\nversion: 0.1.0\n",
  );
  await Deno.writeTextFile(
    `${chart}/templates/map.yaml`,
    "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\n" +
      "data: {{- toYaml .Values.data | nindent 2 }}\n",
  );
  const { kube: { kubeconfig }, namespace } = place;
  const helm = toolFor("helm", { kubeconfig, namespace });
  const isOld = /^v3\./.test(await helm.do(["version", "--short"]));
  const all = stack.move();
  return {
    place,
    helm,
    chart,
    writes: isOld ? "Update" : "Apply",
    force: isOld ? [] : ["--force-conflicts"],
    [Symbol.asyncDispose]: () => all.disposeAsync(),
  };
}

function ours(
  { executor, namespace }: Place,
  payload: Readonly<Record<string, unknown>> = {},
): Promise<Run> {
  return runEvent(executor, [configMap(namespace, "a", "k: ours")], {
    payload,
  });
}

/** What there is, who has written it, and whose release it says it is of. */
async function stateOf({ kube, namespace }: Place): Promise<{
  readonly data: Live["data"];
  readonly managers: readonly string[];
  readonly release: string | undefined;
}> {
  const { data, metadata } = await read<Live>(
    kube,
    configMapPath(namespace, "a"),
  );
  return {
    data,
    managers: metadata.managedFields
      .map(({ manager, operation }) => `${manager} ${operation}`).sort(),
    release: metadata.annotations?.["meta.helm.sh/release-name"],
  };
}

const OURS = {
  data: { k: "ours" },
  managers: ["transporter Apply"],
  release: undefined,
};

Deno.test({
  name:
    "Helm's objects are refused, and with adopt always both go on: install, upgrade, rollback, uninstall",
  ignore,
  async fn() {
    await using scene = await open();
    const { place, helm, chart, writes, force } = scene;
    await helm.do(
      ["install", "shop", chart, "--set-string", "data.k=1,data.helm=1"],
    );
    for (const adopt of ["if_no_diff", "never"]) {
      const { last } = await ours(place, { adopt });
      strictEqual(last.error?.code, "conflict", adopt);
      match(last.message, /made by the Helm release "shop"/);
    }
    deepStrictEqual((await stateOf(place)).data, { k: "1", helm: "1" });

    // Helm's next release takes everything back, and its mark with it; so the two go on in turns.
    const turns: readonly (readonly [string[], Live["data"]])[] = [
      [
        ["upgrade", "shop", chart, "--set-string", "data.k=2,data.helm=2"],
        { k: "2", helm: "2" },
      ],
      [["rollback", "shop", "1"], { k: "1", helm: "1" }],
    ];
    for (const [command, data] of turns) {
      const taken = await ours(place, { adopt: "always" });
      deepStrictEqual(changes(taken), ["ConfigMap/a: configured"]);
      deepStrictEqual(await stateOf(place), OURS);
      const again = await ours(place); // it bears no mark any more
      deepStrictEqual(changes(again), ["ConfigMap/a: unchanged"]);

      await helm.do([...command, ...force]);
      const theirs = { data, managers: [`helm ${writes}`], release: "shop" };
      deepStrictEqual(await stateOf(place), theirs);
      const { last } = await ours(place);
      strictEqual(last.error?.code, "conflict");
    }

    await ours(place, { adopt: "always" });
    await helm.do(["uninstall", "shop"]);
    // Helm 3 deletes what its release names, whoever owns it by then; Helm 4 what bears its mark.
    const gone = await place.kube.fetch(configMapPath(place.namespace, "a"));
    await gone.body?.cancel();
    strictEqual(gone.status, writes === "Update" ? 404 : 200);
  },
});

Deno.test({
  name:
    "Helm refuses what is ours, and what it takes over is refused to us until adopt is always",
  ignore,
  async fn() {
    await using scene = await open();
    const { place, helm, chart, writes, force } = scene;
    await ours(place);
    const install = ["install", "shop", chart, "--set-string", "data.k=1"];
    const refused = await helm.run(install);
    strictEqual(refused.ok, false);
    match(refused.text, /cannot be imported into the current release/);
    deepStrictEqual(await stateOf(place), OURS);

    await helm.do([...install, "--take-ownership", ...force]);
    deepStrictEqual(await stateOf(place), {
      data: { k: "1" },
      managers: [`helm ${writes}`],
      release: "shop",
    });
    const { last } = await ours(place);
    strictEqual(last.error?.code, "conflict");
    match(last.message, /the Helm release "shop" looks after it/);
    const back = await ours(place, { adopt: "always" });
    deepStrictEqual(changes(back), ["ConfigMap/a: configured"]);
    deepStrictEqual(await stateOf(place), OURS);
  },
});
