/** Reaches the worker of a run that may just be starting or leaving. */
import { Effect, Schedule } from "effect"
import type { RunId } from "../../domain/ids.schema.ts"
import { connectControl } from "../control/control-client.effect.ts"
import { NoWorker } from "../control/worker-connection.effect.ts"
import { awaitEnd } from "./wait.effect.ts"

/** Connects to the run's worker until the scope closes, as soon as it listens. Fails once the run has ended. */
export const reachWorker = Effect.fn("Run.reachWorker")((runId: RunId) =>
  connectControl(runId).pipe(
    Effect.retry(Schedule.spaced("20 millis")),
    Effect.raceFirst(Effect.andThen(awaitEnd(runId), new NoWorker({ runId }))),
  ),
)
