/**
 * A scripted agent that speaks the Agent Client Protocol and misbehaves as its arguments say. In the order of a
 * conversation:
 *
 *   mute  stubborn (SIGTERM)  old-version  no-auth  no-session  models[:MORE]  old-models  garbage
 *   ask  ask-oddly  ask-often:N  flood (of requests, reading nothing)  orphan-update  plan  chunks:N  usage  silent  crash:CODE  hang  cancel-late  fail
 *   stop:REASON  exit:CODE  linger
 *
 * Prints each request to standard error as a line of JSON, and with `log:FILE` appends it to a file.
 */
import { appendFileSync, writeSync } from "node:fs"
import { createInterface } from "node:readline"

const options = new Map(
  process.argv.slice(2).map((word) => {
    const [name = "", value = ""] = word.split(":")
    return [name, value]
  }),
)
const has = (name: string) => options.has(name)
const readNumber = (name: string) => Number(options.get(name))

const print = (message: object) => process.stdout.write(`${JSON.stringify({ jsonrpc: "2.0", ...message })}\n`)
const sendUpdate = (fields: object) =>
  print({ method: "session/update", params: { sessionId: "acp-1", update: fields } })
const say = (text: string) =>
  sendUpdate({ sessionUpdate: "agent_message_chunk", content: { type: "text", text } })

const note = (what: string) => {
  process.stderr.write(`${what}\n`)
  if (has("log")) appendFileSync(options.get("log") ?? "", `${what}\n`)
}
if (has("stubborn")) process.on("SIGTERM", () => note("SIGTERM"))
if (has("garbage"))
  process.stdout.write('Welcome!\n{"half":\n[1,2]\nnull\n{"jsonrpc":"2.0","id":77,"result":{}}\n')

let answered: (outcome: string) => void
const askPermission = (choices: ReadonlyArray<object>) =>
  new Promise<string>((resolve) => {
    answered = resolve
    print({
      id: "permission-1",
      method: "session/request_permission",
      params: {
        sessionId: "acp-1",
        toolCall: { toolCallId: "t-ask", title: "rm -rf /", kind: "execute", rawInput: { cmd: "rm" } },
        options: choices,
      },
    })
  })

const allOptions = ["allow_always", "allow_once", "reject_once", "reject_always"].map((kind) => ({
  optionId: `id-${kind}`,
  name: kind,
  kind,
}))

const listModels = () => {
  const values = [
    { value: "big-1", name: "Big" },
    { value: "small-1", name: "Small" },
    ...(options.get("models") ? [{ value: options.get("models"), name: "More" }] : []),
  ]
  if (has("models"))
    return {
      configOptions: [
        {
          id: "mode",
          name: "Mode",
          category: "mode",
          type: "select",
          currentValue: "big-1",
          options: [{ value: "big-1", name: "x" }],
        },
        {
          id: "model",
          name: "Model",
          category: "model",
          type: "select",
          currentValue: "big-1",
          options: [{ group: "g", name: "G", options: values }],
        },
      ],
    }
  return has("old-models")
    ? {
        models: {
          currentModelId: "big-1",
          availableModels: values.map(({ name, value }) => ({ modelId: value, name })),
        },
      }
    : {}
}

/** Asks for permission forever and never reads an answer. */
const flood = () => {
  const pause = new Int32Array(new SharedArrayBuffer(4))
  for (let id = 0; ; id++) {
    const toolCall = { toolCallId: "t-flood", title: `flood ${id}` }
    const params = { sessionId: "acp-1", toolCall, options: allOptions }
    let rest = Buffer.from(
      `${JSON.stringify({ jsonrpc: "2.0", id, method: "session/request_permission", params })}\n`,
    )
    while (rest.length > 0) {
      try {
        rest = rest.subarray(writeSync(1, rest))
      } catch {
        // The pipe is full.
        Atomics.wait(pause, 0, 0, 1)
      }
    }
  }
}

const answerPrompt = async (id: unknown, text: string) => {
  const answer = (result: object) => print({ id, result })
  if (has("ask")) say(`permission: ${await askPermission(allOptions)}. `)
  if (has("ask-oddly"))
    say(`permission: ${await askPermission([{ optionId: "x", name: "x", kind: "allow_always" }])}. `)
  for (let n = 0; n < readNumber("ask-often"); n++) await askPermission(allOptions)
  if (has("flood")) return flood()
  if (has("orphan-update"))
    for (const status of ["in_progress", "completed"])
      sendUpdate({
        sessionUpdate: "tool_call_update",
        toolCallId: "t-1",
        kind: "read",
        title: "notes.md",
        status,
      })
  if (has("plan"))
    for (const status of ["pending", "in_progress", "in_progress", "completed"])
      sendUpdate({ sessionUpdate: "plan", entries: [{ content: "think", priority: "high", status }] })
  for (let n = 0; n < readNumber("chunks"); n++) say(`${n} `)
  if (has("usage"))
    sendUpdate({ sessionUpdate: "usage_update", used: 9, size: 10, cost: { amount: 0.5, currency: "USD" } })
  if (has("crash")) return process.exit(readNumber("crash"))
  if (has("hang") || has("cancel-late")) return say("I begin")
  if (has("fail"))
    return print({
      id,
      error: { code: -32603, message: "Internal error", data: { details: "529 overloaded" } },
    })
  if (!has("silent")) say(`You said: ${text}`)
  const usage = has("usage")
    ? { usage: { inputTokens: 10, outputTokens: 2, cachedReadTokens: 3, totalTokens: 15 } }
    : {}
  answer({ stopReason: options.get("stop") ?? "end_turn", ...usage })
  if (has("exit")) process.exit(readNumber("exit"))
}

const onRequest = (id: unknown, method: string, params: any) => {
  note(JSON.stringify({ method, ...params }))
  switch (method) {
    case "initialize":
      if (has("mute")) return
      return print({
        id,
        result: { protocolVersion: has("old-version") ? 0 : 1, authMethods: [{ id: "key", name: "Key" }] },
      })
    case "session/new":
      if (has("no-auth")) return print({ id, error: { code: -32000, message: "Authentication required" } })
      if (has("no-session")) return print({ id, error: { code: -32603, message: "no room" } })
      return print({ id, result: { sessionId: "acp-1", ...listModels() } })
    case "session/prompt":
      return void answerPrompt(id, params.prompt.map(({ text }: { text: string }) => text).join("|"))
    case "session/cancel":
      if (has("cancel-late")) setTimeout(() => print({ id: 2, result: { stopReason: "end_turn" } }), 2000)
      return
    default:
      return print({ id, result: {} })
  }
}

createInterface({ input: process.stdin })
  .on("line", (line) => {
    const { id, method, params, result } = JSON.parse(line)
    if (method === undefined) answered(result.outcome.optionId ?? result.outcome.outcome)
    else onRequest(id, method, params)
  })
  .on("close", () => {
    note("EOF")
    if (has("linger") || has("stubborn")) setInterval(() => undefined, 1000)
  })
