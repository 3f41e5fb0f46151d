/**
 * The process of an agent that a test scripts: `mill _scripted-agent <socket>`. It passes the spawn from standard input to
 * the test and performs the steps that the test sends back. Its value is the exit code: 1 if the test is gone.
 */
import { Effect, Option, Schema, Stdio, Stream } from "effect"
import { JsonlSpawn } from "../codecs/jsonl.codec.ts"
import { ScriptedStep } from "../domain/scripted-agent.schema.ts"
import { makeRpcClient } from "../internal/sockets/rpc-client.effect.ts"
import { Sockets } from "../internal/sockets/sockets.effect.ts"
import { ScriptedRpcs } from "./testing/scripted-protocol.effect.ts"

const decodeRequest = Schema.decodeUnknownEffect(Schema.fromJsonString(JsonlSpawn))

const write = (text: string, sink: ReturnType<Stdio.Stdio["stdout"]>) =>
  Effect.as(Stream.run(Stream.succeed(text), sink), Option.none<number>())

/** Performs a step. Returns an exit code if the step is to exit. */
const perform = (stdio: Stdio.Stdio) =>
  ScriptedStep.match({
    Print: ({ line }) => write(`${line}\n`, stdio.stdout()),
    Complain: ({ text }) => write(text, stdio.stderr()),
    Exit: ({ code }) => Effect.succeed(Option.some(code)),
    Crash: () =>
      Effect.andThen(
        Effect.sync(() => process.kill(process.pid, "SIGKILL")),
        Effect.never,
      ),
  })

const playAgent = Effect.fnUntraced(function* (path: string) {
  const stdio = yield* Stdio.Stdio
  const sockets = yield* Sockets
  const request = yield* decodeRequest(yield* Stream.mkString(Stream.decodeText(stdio.stdin)))
  const client = yield* makeRpcClient(ScriptedRpcs, yield* sockets.connect(path))
  const code = yield* client
    .spawn(request)
    .pipe(Stream.mapEffect(perform(stdio)), Stream.filter(Option.isSome), Stream.runHead)
  return Option.getOrElse(Option.flatten(code), () => 1)
}, Effect.scoped)

const reportLostTest = Effect.gen(function* () {
  const { stderr } = yield* Stdio.Stdio
  yield* Effect.ignore(Stream.run(Stream.succeed("the test that scripts this agent has ended\n"), stderr()))
  return 1
})

/** Plays an agent for the test that listens on the socket `path`. */
export const scriptedAgent = (path: string) => Effect.catchCause(playAgent(path), () => reportLostTest)
