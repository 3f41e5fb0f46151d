/**
 * The process of the offline agent, which mill's driver `offline` starts: `mill _offline-agent`. It speaks the protocol of
 * the jsonl codec, needs no key and no network, and always answers the same request in the same way. So a program can be
 * tried and tested without a real agent. Directives in the prompt make it do more: see offline/directives.ts.
 *
 * It reads its request from standard input to the end. Its value is the exit code: 2 for an invalid request, 1 when its
 * output cannot be written.
 */
import { Effect, Result, Schema, Stdio, Stream } from "effect"
import { JsonlSpawn } from "../codecs/jsonl.codec.ts"
import { OfflineStep } from "./offline/directives.ts"
import { makeScript } from "./offline/script.ts"

const decodeRequest = Schema.decodeUnknownResult(Schema.fromJsonString(JsonlSpawn))

/** Lines that a careless reader might take for the protocol's. */
const noise = [
  "Warming up …",
  '{"type":"progress","percent":50}',
  '{"type":"result","text":',
  "[1, 2, 3]",
  "",
]
const noiseBlock = Array.from({ length: 1000 }, (_, index) => `${noise[index % noise.length]}\n`)
const stderrBlock = "offline agent: nothing is wrong, this output was requested\n".repeat(1000)

/** Streams the first `total` elements of an endlessly repeated block, one block at a time. */
const repeatBlock = <A>(
  block: { readonly length: number; slice(start: number, end: number): A },
  total: number,
) =>
  Stream.map(Stream.range(0, Math.ceil(total / block.length) - 1), (index) =>
    block.slice(0, total - index * block.length),
  )

const perform = ({ stderr, stdout }: Stdio.Stdio) =>
  OfflineStep.$match({
    Print: ({ line }) => Stream.run(Stream.succeed(`${JSON.stringify(line)}\n`), stdout()),
    Sleep: ({ seconds }) => Effect.sleep(`${seconds * 1000} millis`),
    Noise: ({ lines }) =>
      Stream.run(
        Stream.map(repeatBlock(noiseBlock, lines), (block) => block.join("")),
        stdout(),
      ),
    Stderr: ({ bytes }) => Stream.run(repeatBlock(stderrBlock, bytes), stderr()),
    Hang: () => Effect.never,
  })

export const offlineAgent: Effect.Effect<number, never, Stdio.Stdio> = Effect.gen(function* () {
  const stdio = yield* Stdio.Stdio
  const request = decodeRequest(yield* Stream.mkString(Stream.decodeText(stdio.stdin)))
  if (Result.isFailure(request)) {
    const message =
      "the offline agent expects a spawn in the jsonl protocol, as one line of JSON, on standard input\n"
    yield* Stream.run(Stream.succeed(message), stdio.stderr())
    return 2
  }
  const { exitCode, steps } = makeScript(request.success)
  yield* Effect.forEach(steps, perform(stdio), { discard: true })
  return exitCode
}).pipe(
  // The reader is gone, so there is nowhere to report it.
  Effect.orElseSucceed(() => 1),
)
