/**
 * The offline agent: what mill's driver `offline` starts. It speaks the protocol of the jsonl codec, needs no key and no
 * network, and answers the same request in the same way for ever, so that a program can be tried out and tested without
 * any agent. What it does besides is told in the prompt: see offline-script.effect.ts.
 *
 * It reads its request from standard input up to the end and gives its exit code: 2 for a request that it cannot read,
 * 1 when its output is no longer wanted.
 */
import { Effect, Result, Schema, Stdio, Stream } from "effect"
import { JsonlSpawn } from "../../codecs/jsonl.codec.ts"
import { scriptOf, Step } from "./offline-script.effect.ts"

const decodeRequest = Schema.decodeUnknownResult(Schema.fromJsonString(JsonlSpawn))

/** Lines that a careless reader might take for the protocol's. */
const noise = [
  "Warming up …",
  '{"type":"progress","percent":50}',
  '{"type":"result","text":',
  "[1, 2, 3]",
  "",
]

const stderrLine = "offline agent: nothing is wrong, this was asked for\n"

/** How many lines are written at once. */
const batch = 1_000

const perform = (stdio: Stdio.Stdio) => {
  const print = (text: Stream.Stream<string>) => Stream.run(text, stdio.stdout())
  return Step.$match({
    Print: ({ line }) => print(Stream.succeed(`${JSON.stringify(line)}\n`)),
    Sleep: ({ seconds }) => Effect.sleep(`${seconds * 1000} millis`),
    Noise: ({ lines }) =>
      print(
        Stream.fromIterable(
          Array.from({ length: Math.ceil(lines / batch) }, (_, index) => index * batch),
        ).pipe(
          Stream.map((first) => {
            const count = Math.min(batch, lines - first)
            return Array.from(
              { length: count },
              (_, index) => `${noise[(first + index) % noise.length]}\n`,
            ).join("")
          }),
        ),
      ),
    Stderr: ({ bytes }) => {
      const block = stderrLine.repeat(batch)
      return Stream.run(
        Stream.fromIterable(
          Array.from({ length: Math.ceil(bytes / block.length) }, (_, index) => index),
        ).pipe(Stream.map((index) => block.slice(0, bytes - index * block.length))),
        stdio.stderr(),
      )
    },
    Hang: () => Effect.never,
  })
}

/** The offline agent as a process: its value is the exit code. */
export const offlineAgent: Effect.Effect<number, never, Stdio.Stdio> = Effect.gen(function* () {
  const stdio = yield* Stdio.Stdio
  const input = yield* Stream.mkString(Stream.decodeText(stdio.stdin))
  const request = decodeRequest(input)
  if (Result.isFailure(request)) {
    const message =
      "mill's offline agent reads a spawn of the jsonl protocol from standard input, as one line of JSON"
    yield* Stream.run(Stream.succeed(`${message}\n`), stdio.stderr())
    return 2
  }
  const { exitCode, steps } = scriptOf(request.success)
  yield* Effect.forEach(steps, perform(stdio), { discard: true })
  return exitCode
}).pipe(
  // Nobody reads any more: there is nothing left to do, and nobody to tell.
  Effect.catch(() => Effect.succeed(1)),
)
