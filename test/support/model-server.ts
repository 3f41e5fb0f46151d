/**
 * A scripted model on loopback, for driving the real agent CLIs. It runs in a process of its own, since a busy test would
 * otherwise hold it up, and ends with the process that started it. What it answers is in model-server.script.ts.
 */
import { join } from "node:path"
import { Schema } from "effect"

/** One request to the model, as the server understood it. */
export const ModelRequest = Schema.Struct({
  api: Schema.Literals(["messages", "responses", "chat"]),
  model: Schema.String,
  /** System and developer messages, joined by a blank line. */
  system: Schema.String,
  /** The last thing that the user said, without what the agent itself wrapped around it. */
  prompt: Schema.String,
  /** What was said before that, by whom, oldest first. */
  history: Schema.Array(Schema.String),
  /** What the tools gave since then. */
  toolResults: Schema.Array(Schema.String),
  tools: Schema.Array(Schema.String),
  apiKey: Schema.String,
  /** `refused`: with an HTTP error. `broken`: the connection ended before the answer did. */
  state: Schema.Literals(["answering", "answered", "refused", "broken"]),
})
export type ModelRequest = typeof ModelRequest.Type

const decodeRequests = Schema.decodeUnknownSync(Schema.Array(ModelRequest))

export interface ModelServer extends AsyncDisposable {
  /** Without a slash at its end. The OpenAI APIs are below `<url>/v1`. */
  readonly url: string
  /** All requests so far, oldest first. */
  readonly requests: () => Promise<ReadonlyArray<ModelRequest>>
  /** The first request that fits, as soon as there is one. Rejects after `timeout` milliseconds. */
  readonly request: (fits: (request: ModelRequest) => boolean, timeout?: number) => Promise<ModelRequest>
  readonly close: () => Promise<void>
}

const firstLine = async (stream: ReadableStream<Uint8Array>): Promise<string> => {
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
  const port = await firstLine(child.stdout)
  if (port === "") throw new Error(`the model server did not start (exit code ${await child.exited})`)
  const url = `http://127.0.0.1:${port}`
  const requests = async () => decodeRequests(await (await fetch(`${url}/requests`)).json())
  const request: ModelServer["request"] = async (fits, timeout = 10_000) => {
    for (const deadline = Date.now() + timeout; Date.now() < deadline; await Bun.sleep(10)) {
      const found = (await requests()).find(fits)
      if (found !== undefined) return found
    }
    throw new Error(`no such request within ${timeout} ms; there were ${JSON.stringify(await requests())}`)
  }
  const close = async (): Promise<void> => {
    await child.stdin.end()
    await child.exited
  }
  return { url, requests, request, close, [Symbol.asyncDispose]: close }
}
