/**
 * The process that `startModelServer` starts: a scripted stand-in for the model APIs, on loopback. Prints its port as the
 * first line and exits when its standard input closes, that is, with its parent.
 */
import * as http from "node:http"
import * as zlib from "node:zlib"
import type { ModelRequest } from "./model-server.ts"
import { type Api, readCall } from "./model-server.read.ts"
import { makeAnswer, findFailure, findRetryAfter } from "./model-server.script.ts"
import { countTokens, dialects, makeErrorBody, type Frame } from "./model-server.write.ts"

type Recorded = { -readonly [Key in keyof ModelRequest]: ModelRequest[Key] }

const recorded: Array<Recorded> = []
const attempts = new Map<string, number>()

const findApi = (path: string): Api | undefined => {
  if (path.endsWith("/messages")) return "messages"
  if (path.endsWith("/responses")) return "responses"
  return path.endsWith("/chat/completions") ? "chat" : undefined
}

const readBody = async (request: http.IncomingMessage): Promise<unknown> => {
  const chunks: Array<Uint8Array> = []
  for await (const chunk of request) chunks.push(chunk)
  const bytes = Buffer.concat(chunks)
  const encoding = request.headers["content-encoding"]
  if (encoding === "gzip") return JSON.parse(zlib.gunzipSync(bytes).toString())
  if (encoding === "zstd") return JSON.parse(zlib.zstdDecompressSync(bytes).toString())
  return JSON.parse(bytes.toString())
}

const sendJson = (response: http.ServerResponse, status: number, body: unknown): void => {
  response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(body))
}

const waitForClose = (response: http.ServerResponse) =>
  new Promise<void>((resolve) => response.once("close", () => resolve()))

/** Sends the frames in order. Resolves to false if the connection closed before the last one. */
const sendFrames = async (response: http.ServerResponse, frames: Iterable<Frame>): Promise<boolean> => {
  for (const frame of frames) {
    if (response.destroyed) return false
    if (typeof frame === "string") {
      if (!response.write(frame))
        await new Promise<void>((resolve) => response.once("drain", resolve).once("close", resolve))
    } else if (frame.kind === "delay") {
      await Promise.race([Bun.sleep(frame.milliseconds), waitForClose(response)])
    } else {
      if (frame.kind === "cut") response.destroy()
      else await waitForClose(response)
      return false
    }
  }
  response.end()
  return true
}

const serveModel = async (
  api: Api,
  request: http.IncomingMessage,
  response: http.ServerResponse,
): Promise<void> => {
  const call = readCall(api, await readBody(request))
  const nth = (attempts.get(call.prompt) ?? 0) + 1
  attempts.set(call.prompt, nth)
  const key = request.headers["x-api-key"] ?? request.headers.authorization?.replace("Bearer ", "") ?? ""
  const { stream: _stream, tools, ...rest } = call
  const record: Recorded = {
    ...rest,
    tools: tools.map(({ name }) => name),
    apiKey: String(key),
    state: "answering",
  }
  recorded.push(record)
  const failure = findFailure(call.prompt, nth)
  if (failure !== undefined) {
    record.state = "refused"
    const retryAfter = findRetryAfter(call.prompt)
    if (retryAfter !== undefined) response.setHeader("retry-after", retryAfter)
    return sendJson(response, failure, makeErrorBody(api, failure))
  }
  const answer = makeAnswer(call)
  const id = String(recorded.length)
  if (!call.stream) {
    record.state = "answered"
    record.usage = countTokens(answer)
    return sendJson(response, 200, dialects[api].whole(call, answer, id))
  }
  response.writeHead(200, { "content-type": "text/event-stream" }).flushHeaders()
  record.state = (await sendFrames(response, dialects[api].stream(call, answer, id))) ? "answered" : "broken"
  if (record.state === "answered") record.usage = countTokens(answer)
}

const serve = async (request: http.IncomingMessage, response: http.ServerResponse): Promise<void> => {
  const path = (request.url ?? "/").replace(/\?.*/, "")
  const api = findApi(path)
  if (api !== undefined && request.method === "POST") return serveModel(api, request, response)
  if (path === "/requests") return sendJson(response, 200, recorded)
  if (path.endsWith("/count_tokens")) return sendJson(response, 200, { input_tokens: 1 })
  if (path.endsWith("/models")) return sendJson(response, 200, { object: "list", data: [], models: [] })
  return sendJson(response, request.method === "HEAD" ? 200 : 404, {})
}

const server = http.createServer((request, response) => {
  serve(request, response).catch((error: unknown) => {
    process.stderr.write(`model server: ${String(error)}\n`)
    if (!response.headersSent)
      sendJson(response, 500, { error: { message: String(error), type: "api_error" } })
  })
})
process.stdin.resume().once("end", () => process.exit(0))
server.listen(0, "127.0.0.1", () => {
  const address = server.address()
  if (address !== null && typeof address === "object") process.stdout.write(`${address.port}\n`)
})
