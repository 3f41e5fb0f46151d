/** Servers that only nearly follow an API, as local ones do. Each answer below is written byte by byte. */
import { afterAll, beforeAll, expect, test } from "bun:test"
import { readdirSync, readFileSync } from "node:fs"
import { createServer, type Server } from "node:net"
import { join } from "node:path"
import { makeWorld, filterEvents } from "../support/mill.ts"

const world = makeWorld()
const key = "sk-0123456789-echoed"

const chunk = (content: string, finish: string | null = null) =>
  JSON.stringify({ choices: [{ index: 0, delta: { content }, finish_reason: finish }] })
const toolChunk = (input: string) =>
  JSON.stringify({
    choices: [
      { index: 0, delta: { tool_calls: [{ index: 0, function: { name: input, arguments: input } }] } },
    ],
  })
const head = (type: string, status = "200 OK", more = "") =>
  `HTTP/1.1 ${status}\r\ncontent-type: ${type}\r\nconnection: close\r\n${more}\r\n`
const events = (body: string) => head("text/event-stream") + body
const chunked = (body: string) =>
  head("text/event-stream", "200 OK", "transfer-encoding: chunked\r\n") +
  `${Buffer.byteLength(body).toString(16)}\r\n${body}\r\n`

const elsewhere: Array<string> = []
let other: Server
let otherUrl = ""

const answers: Record<string, () => string> = {
  "no [DONE], no usage": () => events(`data: ${chunk("a")}\n\ndata: ${chunk("b", "stop")}\n\n`),
  "data: without a space": () => events(`data:${chunk("ab", "stop")}\n\ndata:[DONE]\n\n`),
  "CRLF, comments and keep-alives": () =>
    events(
      `: hi\r\n\r\ndata: ${chunk("a")}\r\n\r\n:\r\n\r\nretry: 10\r\ndata: ${chunk("b", "stop")}\r\n\r\n`,
    ),
  "a wrong content type": () => head("text/plain") + `\ufeffdata: ${chunk("ab", "stop")}\n\n`,
  "no empty line at the end": () => events(`data: ${chunk("a")}\n\ndata: ${chunk("b", "stop")}`),
  "JSON instead of a stream": () =>
    head("application/json") +
    JSON.stringify({
      choices: [{ index: 0, message: { role: "assistant", content: "ab" }, finish_reason: "stop" }],
      usage: { prompt_tokens: 3, completion_tokens: 4 },
    }),
  "a usage of zeros": () =>
    events(
      `data: ${chunk("ab", "stop")}\n\ndata: {"choices":[],"usage":{"prompt_tokens":0,"completion_tokens":0}}\n\n`,
    ),
  "an early end": () => events(`data: ${chunk("ab")}\n\n`),
  "an end in the middle of a chunk": () => chunked(`data: ${chunk("ab", "stop")}\n\n`).slice(0, -12),
  "no last chunk": () => chunked(`data: ${chunk("ab")}\n\n`),
  "an error in the middle": () =>
    events(`data: ${chunk("ab")}\n\ndata: {"error":{"message":"out of memory","code":500}}\n\n`),
  "an error as JSON with 200": () => head("application/json") + '{"error":"model \\"x\\" not found"}',
  "a page": () => head("text/html") + "<html><body>Welcome</body></html>",
  "an error page": () => head("text/html", "502 Bad Gateway") + "<html>nginx</html>",
  "the key in its error": () =>
    head("application/json", "401 Unauthorized") +
    JSON.stringify({ error: { message: `no such key: ${key}` } }),
  "a redirect": () => head("text/plain", "307 Temporary Redirect", `location: ${otherUrl}/v1?x=${key}\r\n`),
  "the key in its answer, in two pieces": () =>
    events(
      `data: ${chunk(`a ${key.slice(0, 9)}`)}\n\ndata: ${chunk(`${key.slice(9)} b`)}\n\n` +
        `data: ${toolChunk(key)}\n\ndata: ${chunk("", `stop ${key}`)}\n\n`,
    ),
  "half of the key where the message is cut": () =>
    head("text/plain", "400 Bad Request") + `${"x".repeat(290)} ${key}`,
  nothing: () => head("text/event-stream"),
  "no content": () => "HTTP/1.1 204 No Content\r\nconnection: close\r\n\r\n",
  "an empty body": () => head("text/event-stream", "200 OK", "content-length: 0\r\n"),
  "only [DONE]": () => events("data: [DONE]\n\n"),
}

const serve = (answer: (request: string) => string) =>
  createServer((socket) => {
    let request = ""
    socket.on("error", () => undefined)
    socket.on("data", (data) => {
      request += data.toString()
      const length = Number(/content-length: (\d+)/i.exec(request)?.[1] ?? -1)
      const body = request.split("\r\n\r\n").slice(1).join("\r\n\r\n")
      if (length >= 0 && Buffer.byteLength(body) >= length) socket.end(answer(request))
    })
  })

const listening = (server: Server) =>
  new Promise<string>((resolve) =>
    server.listen(0, "127.0.0.1", () => {
      const address = server.address()
      resolve(`http://127.0.0.1:${typeof address === "object" ? address?.port : ""}`)
    }),
  )

const outcomes = new Map<string, Record<string, unknown>>()
let log = ""
let runDir = ""
let server: Server

beforeAll(async () => {
  other = serve((request) => {
    elsewhere.push(request)
    return head("text/plain", "404 Not Found")
  })
  otherUrl = await listening(other)
  server = serve((request) => {
    const prompt = Object.keys(answers).find((name) => request.includes(JSON.stringify(`so: ${name}`)))
    return answers[prompt ?? ""]?.() ?? head("text/plain", "404 Not Found")
  })
  const url = await listening(server)
  world.write(
    "mill.config.ts",
    `import { chatCompletionsCodec, defineConfig, httpDriver } from "@mill/core"
export default defineConfig({ defaultDriver: "odd", drivers: {
  odd: httpDriver({ url: "${url}", codec: chatCompletionsCodec(), apiKey: { env: "ODD_KEY" } }),
} })\n`,
  )
  const program = world.write(
    "ask.ts",
    `export default await Promise.all(${JSON.stringify(Object.keys(answers))}.map((name) =>
  mill.spawn({ agent: "a", systemPrompt: "s", prompt: "so: " + name, model: "m" }).then(
    ({ text, usage, stopReason }) => ({ text, usage, stopReason }),
    ({ cause, message, result }) => ({ cause, message, text: result?.text }),
  )))\n`,
  )
  const ended = await world.run(program, [], { env: { ODD_KEY: key } })
  log = JSON.stringify(ended.events)
  runDir = ended.record.paths.runDir
  expect(filterEvents(ended.events, "spawn:milestone")).toEqual([])
  const results = ended.result.programResult
  for (const [index, name] of Object.keys(answers).entries()) {
    outcomes.set(name, Array.isArray(results) ? Object(results[index]) : {})
  }
})
afterAll(() => {
  server.close()
  other.close()
})

const fine = [
  "no [DONE], no usage",
  "data: without a space",
  "CRLF, comments and keep-alives",
  "a wrong content type",
]
for (const name of [...fine, "no empty line at the end", "a usage of zeros"]) {
  test(`${name}: an answer of unknown usage`, () => {
    expect(outcomes.get(name)).toEqual({ text: "ab", stopReason: "stop" })
  })
}

test("JSON instead of a stream: an answer", () => {
  const usage = { inputTokens: 3, outputTokens: 4 }
  expect(outcomes.get("JSON instead of a stream")).toEqual({ text: "ab", stopReason: "stop", usage })
})

const failures: Record<string, { readonly message: RegExp; readonly text?: string }> = {
  "an early end": {
    message: /^the server closed the connection before the answer was complete$/,
    text: "ab",
  },
  "an end in the middle of a chunk": { message: /before the answer was complete/ },
  "no last chunk": { message: /before the answer was complete/ },
  "an error in the middle": { message: /^out of memory \(500\)$/, text: "ab" },
  "an error as JSON with 200": { message: /^model "x" not found$/ },
  "a page": { message: /^unrecognized response; check the driver's url$/ },
  "an error page": { message: /^HTTP 502$/ },
  "the key in its error": { message: /^HTTP 401: no such key: \[redacted\]$/ },
  "a redirect": {
    message:
      /^HTTP 307: the server redirects to http:\/\/127\.0\.0\.1:\d+\/v1, but mill does not follow redirects/,
  },
  "half of the key where the message is cut": { message: /^HTTP 400: x{290} \[redacted…?\]?$/ },
  nothing: { message: /^unrecognized response/ },
  "no content": { message: /^the answer was empty \(HTTP 204\)$/ },
  "an empty body": { message: /^the answer was empty \(HTTP 200\)$|^unrecognized response/ },
  "only [DONE]": { message: /^the server ended the answer without any text/ },
}
for (const [name, { message, text }] of Object.entries(failures)) {
  test(`${name}: an error`, () => {
    const outcome = outcomes.get(name)
    expect(outcome).toMatchObject({ cause: "agent-error", message: expect.stringMatching(message) })
    if (text !== undefined) expect(outcome?.["text"]).toBe(text)
  })
}

test("a key in an answer is redacted, even when it arrives in pieces", () => {
  expect(outcomes.get("the key in its answer, in two pieces")).toEqual({
    text: "a [redacted] b",
    stopReason: "stop [redacted]",
  })
  expect(log).toContain('"toolName":"[redacted]"')
  for (const file of readdirSync(runDir, { recursive: true, withFileTypes: true }).filter((one) =>
    one.isFile(),
  )) {
    expect(readFileSync(join(file.parentPath, file.name), "utf8"), file.name).not.toContain(key)
  }
})

test("a redirect is not followed, and a key that the server repeats is not written to disk", () => {
  expect(elsewhere).toEqual([])
  expect(log).not.toContain(key)
})
