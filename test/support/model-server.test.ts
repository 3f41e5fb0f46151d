import { afterAll, beforeAll, describe, expect, test } from "bun:test"
import { type Api, readField, readList, readString } from "./model-server.read.ts"
import { type ModelServer, startModelServer } from "./model-server.ts"

interface Question {
  readonly prompt: string
  readonly system?: string
  readonly model?: string
  /** The result of an earlier tool call. */
  readonly toolResult?: string
}

interface Dialect {
  readonly path: string
  /** Makes an agent's request, with its own context around the user's message. */
  readonly body: (asked: Question) => unknown
  /** Reads the part of the answer in a server-sent event. */
  readonly text: (event: unknown) => string
  /** The text of the event that ends an answer at the length limit. */
  readonly lengthStop: string
}

const shell = {
  type: "object",
  properties: { command: { type: "string" } },
  required: ["command", "description"],
}

const dialects: Record<Api, Dialect> = {
  messages: {
    path: "/v1/messages?beta=true",
    body: ({ prompt, system, model, toolResult }) => ({
      model,
      stream: true,
      system: [
        { type: "text", text: "preface" },
        { type: "text", text: system },
      ],
      messages: [
        { role: "user", content: "an earlier prompt" },
        { role: "assistant", content: [{ type: "text", text: "an earlier answer" }] },
        {
          role: "user",
          content: [
            { type: "text", text: "<system-reminder>\ncontext\n</system-reminder>" },
            { type: "text", text: prompt },
          ],
        },
        ...(toolResult === undefined
          ? []
          : [{ role: "user", content: [{ type: "tool_result", content: toolResult }] }]),
      ],
      tools: [{ name: "Bash", input_schema: shell }],
    }),
    text: (event) => readString(readField(readField(event, "delta"), "text")),
    lengthStop: '"stop_reason":"max_tokens"',
  },
  responses: {
    path: "/v1/responses",
    body: ({ prompt, system, model, toolResult }) => ({
      model,
      stream: true,
      input: [
        { role: "developer", content: [{ type: "input_text", text: "preface" }] },
        { role: "developer", content: [{ type: "input_text", text: system }] },
        {
          role: "user",
          content: [{ type: "input_text", text: "<environment_context>\ncwd\n</environment_context>" }],
        },
        { role: "user", content: [{ type: "input_text", text: prompt }] },
        ...(toolResult === undefined
          ? []
          : [{ type: "function_call_output", call_id: "1", output: toolResult }]),
      ],
      tools: [
        { type: "function", name: "exec_command", parameters: { properties: { cmd: { type: "string" } } } },
      ],
    }),
    text: (event) =>
      readField(event, "type") === "response.output_text.delta" ? readString(readField(event, "delta")) : "",
    lengthStop: '"type":"response.incomplete"',
  },
  chat: {
    path: "/v1/chat/completions",
    body: ({ prompt, system, model, toolResult }) => ({
      model,
      stream: true,
      messages: [
        { role: "system", content: system },
        { role: "user", content: prompt },
        ...(toolResult === undefined ? [] : [{ role: "tool", content: toolResult }]),
      ],
      tools: [{ type: "function", function: { name: "bash", parameters: shell } }],
    }),
    text: (event) =>
      readString(readField(readField(readList(readField(event, "choices"))[0], "delta"), "content")),
    lengthStop: '"finish_reason":"length"',
  },
}

let server: ModelServer
beforeAll(async () => {
  server = await startModelServer()
})
afterAll(() => server.close())

const post = (api: Api, asked: Question, signal?: AbortSignal) =>
  fetch(server.url + dialects[api].path, {
    method: "POST",
    headers: { "x-api-key": "k" },
    body: JSON.stringify(dialects[api].body({ system: "S", model: "M", ...asked })),
    ...(signal === undefined ? {} : { signal }),
  })

const readEvents = (body: string): ReadonlyArray<unknown> =>
  [...body.matchAll(/^data: (\{.*)$/gm)].map((match) => JSON.parse(match[1] ?? ""))

const ask = async (api: Api, asked: Question): Promise<string> => {
  const body = await (await post(api, asked)).text()
  return readEvents(body).map(dialects[api].text).join("")
}

/** Long enough to be sent in several pieces. */
const long = "and so on ".repeat(10).trim()

for (const api of ["messages", "responses", "chat"] as const) {
  describe(api, () => {
    test("the server records system prompt, model and prompt, and echoes the prompt", async () => {
      const prompt = `${api}: what "is" \\ this\n🚀? ${long}`
      expect(await ask(api, { prompt, system: "Be\n“brief”.", model: `model of ${api}` })).toBe(
        `ECHO: ${prompt}`,
      )
      const request = await server.waitForRequest((each) => each.prompt === prompt)
      expect(request).toMatchObject({
        api,
        model: `model of ${api}`,
        apiKey: "k",
        toolResults: [],
        state: "answered",
      })
      expect(request.system).toEndWith("Be\n“brief”.")
    })

    test("the answer is the given text, empty, long, or stopped at the length limit", async () => {
      expect(await ask(api, { prompt: "please [say yes, sir]" })).toBe("yes, sir")
      expect(await ask(api, { prompt: "[empty]" })).toBe("")
      expect(await ask(api, { prompt: "[long 64]" })).toHaveLength(64 * 1024)
      expect(await (await post(api, { prompt: "[stop length]" })).text()).toContain(dialects[api].lengthStop)
    })

    test("the model calls the shell tool, then answers with its result", async () => {
      const prompt = `${api} [tool:bash echo "[hi\\]"]`
      const call = await (await post(api, { prompt })).text()
      expect(call.replaceAll("\\", "")).toContain(
        `"${api === "responses" ? "cmd" : "command"}":"echo "[hi]""`,
      )
      expect(await ask(api, { prompt, toolResult: "[hi]" })).toBe(`ECHO: ${prompt}\nTOOL RESULT 1: [hi]`)
      const requests = (await server.listRequests()).filter((each) => each.prompt === prompt)
      expect(requests.map((each) => each.toolResults)).toEqual([[], ["[hi]"]])
    })

    test("requests fail with the status that the prompt asks for, as often as it asks", async () => {
      const prompt = `${api} [error 529 x2]`
      const statuses = []
      for (let i = 0; i < 3; i++) statuses.push((await post(api, { prompt })).status)
      expect(statuses).toEqual([529, 529, 200])
      const requests = (await server.listRequests()).filter((each) => each.prompt === prompt)
      expect(requests.map((each) => each.state)).toEqual(["refused", "refused", "answered"])
    })

    test("an answer continues after a delay", async () => {
      const prompt = `${api} [delay 1] ${long}`
      expect(await ask(api, { prompt })).toBe(`ECHO: ${prompt}`)
    })

    test("an answer hangs in the middle until the client disconnects", async () => {
      const prompt = `${api} [hang] ${long}`
      const client = new AbortController()
      const reader = (await post(api, { prompt }, client.signal)).body?.getReader()
      let seen = ""
      while (!seen.includes("ECHO")) seen += new TextDecoder().decode((await reader?.read())?.value)
      expect(await server.waitForRequest((each) => each.prompt === prompt)).toMatchObject({
        state: "answering",
      })
      client.abort()
      await server.waitForRequest((each) => each.prompt === prompt && each.state === "broken")
    })

    test("the connection breaks in the middle of an answer", async () => {
      const prompt = `${api} [cut] ${long}`
      expect(ask(api, { prompt })).rejects.toThrow()
      await server.waitForRequest((each) => each.prompt === prompt && each.state === "broken")
    })
  })
}

test("the model server exits with the process that started it, even if that is killed", async () => {
  const program = `
    import { startModelServer } from ${JSON.stringify(new URL("./model-server.ts", import.meta.url).pathname)}
    console.log((await startModelServer()).url)
    await new Promise(() => setInterval(() => undefined, 1000))`
  await using starter = Bun.spawn([process.execPath, "-e", program], { stdout: "pipe" })
  const { value } = await starter.stdout.getReader().read()
  const url = new TextDecoder().decode(value).trim()
  expect(await (await fetch(`${url}/requests`)).json()).toEqual([])
  starter.kill("SIGKILL")
  const isReachable = () =>
    fetch(url).then(
      () => true,
      () => false,
    )
  const deadline = Date.now() + 10_000
  while ((await isReachable()) && Date.now() < deadline) await Bun.sleep(10)
  expect(await isReachable()).toBe(false)
})
