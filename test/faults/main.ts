/**
 * `bun run faults [--seconds N] [--count N] [--seed S]`: harms runs at random moments until the time is up or the
 * count is reached. Fault n has the seed S + n: `--seed S --count 1` repeats one.
 */
import { join } from "node:path"
import { parseArgs } from "node:util"

const { values } = parseArgs({
  options: { seconds: { type: "string" }, count: { type: "string" }, seed: { type: "string" } },
})
const seconds = values.seconds ?? (values.count === undefined ? "60" : "86400")
const child = Bun.spawn([process.execPath, "test", join(import.meta.dir, "endurance.ts")], {
  cwd: join(import.meta.dir, "../.."),
  env: {
    ...process.env,
    FAULTS_SECONDS: seconds,
    FAULTS_COUNT: values.count ?? "",
    FAULTS_SEED: values.seed ?? "",
  },
  stdio: ["ignore", "inherit", "inherit"],
})
process.exitCode = await child.exited
