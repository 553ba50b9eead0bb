import { fileURLToPath } from "node:url";
import { readFileSync } from "node:fs";
import { build } from "esbuild";
import { SANDBOX_OAUTH1 } from "#infra/local/sandbox/credentials.ts";
import { startProcess } from "#test/bench/process.ts";
const here = (f: string) => fileURLToPath(new URL(f, import.meta.url));
const worker = "/tmp/exp-worker.mjs";
await build({ entryPoints: [here("worker.ts")], outfile: worker, bundle: true, minify: true, platform: "node", format: "esm", target: "node24", mainFields: ["module", "main"] });
const objects = startProcess(here("object-store.ts")) as any;
const platform = startProcess(here("platform.ts")) as any;
const store = await objects.ask("address");
const addresses = await platform.ask("addresses");
const size = Number(process.argv[2] ?? 256);
const latency = Number(process.argv[4] ?? 0);
await platform.ask("setLatency", latency);
const file = await objects.ask("put", { key: "f.mp4", sizeBytes: size * 1048576 });
const cpu = (pid: number) => { const f = readFileSync(`/proc/${pid}/stat`, "utf8").split(") ")[1]!.split(" "); return (Number(f[11]) + Number(f[12])) * 10; };
const flags = (process.env["FLAGS"] ?? "--max-old-space-size=96 --max-semi-space-size=1").split(" ");
for (const kind of (process.argv[3] ?? "punctual,library,copy,punctual,copy").split(",")) {
  const child = startProcess(worker, kind === "library" ? [] : flags) as any;
  await child.ask("nothing").catch(() => {});
  const b = [cpu(objects.pid), cpu(platform.pid), cpu(child.pid)];
  const r = await child.ask("run", { kind, file, store, platform: addresses, login: { kind: "oauth1", ...SANDBOX_OAUTH1 } });
  const a = [cpu(objects.pid), cpu(platform.pid), cpu(child.pid)];
  console.log(kind, r.ms, "cpu s3/x/own", a.map((v, i) => v - b[i]!), Math.round(r.peakMiB - r.idleMiB), "MiB, idle", Math.round(r.idleMiB), readFileSync("/proc/loadavg", "utf8").split(" ")[0]);
  await child.end();
}
await objects.end(); await platform.end();
