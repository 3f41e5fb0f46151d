/**
 * The process of an agent that a test has written: `mill _scripted-agent <socket>`. It passes the spawn that it reads
 * from standard input on to the test, and does what it is told there. Its value is the exit code; without the test, 1.
 */
import { Effect, Layer, Option, Schema, Stdio, Stream } from "effect"
import { RpcClient } from "effect/rpc"
import { Socket } from "effect/socket"
import { JsonlSpawn } from "../../codecs/jsonl.codec.ts"
import { ScriptedStep } from "../../domain/scripted-agent.schema.ts"
import { Sockets } from "../../internal/sockets/sockets.effect.ts"
import { ScriptedRpcs, serialization } from "./scripted-protocol.effect.ts"

const decodeRequest = Schema.decodeUnknownEffect(Schema.fromJsonString(JsonlSpawn))

/** Does a step; an exit code ends it. */
const perform = (stdio: Stdio.Stdio) =>
  ScriptedStep.match({
    Print: ({ line }) =>
      Effect.as(Stream.run(Stream.succeed(`${line}\n`), stdio.stdout()), Option.none<number>()),
    Complain: ({ text }) =>
      Effect.as(Stream.run(Stream.succeed(text), stdio.stderr()), Option.none<number>()),
    Exit: ({ code }) => Effect.succeed(Option.some(code)),
    Crash: () =>
      Effect.andThen(
        Effect.sync(() => process.kill(process.pid, "SIGKILL")),
        Effect.never,
      ),
  })

const play = (path: string) =>
  Effect.gen(function* () {
    const stdio = yield* Stdio.Stdio
    const sockets = yield* Sockets
    const request = yield* decodeRequest(yield* Stream.mkString(Stream.decodeText(stdio.stdin)))
    const socket = yield* sockets.connect(path)
    const layer = RpcClient.layerProtocolSocket({ retryTransientErrors: false }).pipe(
      Layer.provide(Layer.succeed(Socket.Socket, socket)),
      Layer.provide(serialization),
    )
    const context = yield* Layer.build(layer)
    const client = yield* Effect.provideContext(
      RpcClient.make(ScriptedRpcs, { disableTracing: true }),
      context,
    )
    const code = yield* client
      .spawn(request)
      .pipe(Stream.mapEffect(perform(stdio)), Stream.filter(Option.isSome), Stream.runHead)
    return Option.getOrElse(Option.flatten(code), () => 1)
  })

/** The agent that serves the test at the socket `path`. */
export const scriptedAgent = (path: string) =>
  play(path).pipe(
    Effect.scoped,
    Effect.catchCause(() =>
      Effect.gen(function* () {
        const stdio = yield* Stdio.Stdio
        const complaint = Stream.succeed("the test that this agent belongs to is gone\n")
        yield* Effect.ignore(Stream.run(complaint, stdio.stderr()))
        return 1
      }),
    ),
  )
