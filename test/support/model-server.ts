/**
 * A scripted model server on loopback for the real agent CLIs. It runs in a separate process, so that a busy test cannot
 * delay it, and exits with the process that started it. model-server.script.ts decides its answers.
 */
import { join } from "node:path"
import { Schema } from "effect"

/** A request to the model, as decoded by the server. */
export const ModelRequest = Schema.Struct({
  api: Schema.Literals(["messages", "responses", "chat"]),
  model: Schema.String,
  /** System and developer messages, joined by a blank line. */
  system: Schema.String,
  /** The user's last message, without the context that the agent added. */
  prompt: Schema.String,
  /** The messages before the prompt, each with its role, oldest first. */
  history: Schema.Array(Schema.String),
  /** The tool results after the prompt. */
  toolResults: Schema.Array(Schema.String),
  tools: Schema.Array(Schema.String),
  apiKey: Schema.String,
  /** `refused`: answered with an HTTP error. `broken`: the connection closed before the end of the answer. */
  state: Schema.Literals(["answering", "answered", "refused", "broken"]),
  /** What the answer cost; absent unless answered. */
  usage: Schema.optional(
    Schema.Struct({
      inputTokens: Schema.Int,
      outputTokens: Schema.Int,
      cacheReadTokens: Schema.Int,
    }),
  ),
})
export type ModelRequest = typeof ModelRequest.Type

const decodeRequests = Schema.decodeUnknownSync(Schema.Array(ModelRequest))

export interface ModelServer extends AsyncDisposable {
  /** Has no trailing slash. The OpenAI APIs are below `<url>/v1`. */
  readonly url: string
  /** Lists all requests so far, oldest first. */
  readonly listRequests: () => Promise<ReadonlyArray<ModelRequest>>
  /** Waits for the first request that matches. Rejects after `timeout` milliseconds. */
  readonly waitForRequest: (
    matches: (request: ModelRequest) => boolean,
    timeout?: number,
  ) => Promise<ModelRequest>
  readonly close: () => Promise<void>
}

const readFirstLine = async (stream: ReadableStream<Uint8Array>): Promise<string> => {
  const decoder = new TextDecoder()
  let text = ""
  for await (const chunk of stream) {
    text += decoder.decode(chunk, { stream: true })
    if (text.includes("\n")) break
  }
  return text.trim()
}

export const startModelServer = async (): Promise<ModelServer> => {
  const child = Bun.spawn([process.execPath, join(import.meta.dir, "model-server.main.ts")], {
    stdin: "pipe",
    stdout: "pipe",
    stderr: "inherit",
  })
  const port = await readFirstLine(child.stdout)
  if (port === "") throw new Error(`the model server did not start (exit code ${await child.exited})`)
  const url = `http://127.0.0.1:${port}`
  const listRequests = async () => decodeRequests(await (await fetch(`${url}/requests`)).json())
  const waitForRequest: ModelServer["waitForRequest"] = async (matches, timeout = 10_000) => {
    for (const deadline = Date.now() + timeout; Date.now() < deadline; await Bun.sleep(10)) {
      const found = (await listRequests()).find(matches)
      if (found !== undefined) return found
    }
    throw new Error(`no matching request within ${timeout} ms, only ${JSON.stringify(await listRequests())}`)
  }
  const close = async (): Promise<void> => {
    await child.stdin.end()
    await child.exited
  }
  return { url, listRequests, waitForRequest, close, [Symbol.asyncDispose]: close }
}
