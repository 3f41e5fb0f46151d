/** Tries to become a run's owner at each line of standard input, and stays until its end. */
import { Effect, ManagedRuntime } from "effect"
import { RunId } from "../../../src/domain/ids.schema.ts"
import { takeOwnership } from "../../../src/internal/store/owner-lock.effect.ts"
import { layer } from "../../../src/runtime/platform/platform.effect.ts"

const [runDir = ""] = process.argv.slice(2)
const runtime = ManagedRuntime.make(layer)
const attempt = takeOwnership(RunId.make("run_1"), runDir, process.pid).pipe(
  Effect.match({ onSuccess: () => "owns", onFailure: (error) => `refused: ${error.message}` }),
)

console.log("ready")
for await (const _line of console) {
  console.log(await runtime.runPromise(attempt))
}
