/** Calls mill.spawn with every kind of invalid input, returns the errors, then makes two valid calls. */
const good = { agent: "a", systemPrompt: "s", prompt: "p", model: "m" }
const omit = (field: keyof typeof good) => {
  const { [field]: _left, ...rest } = good
  return rest
}
const cyclic: Record<string, unknown> = { ...good }
cyclic["self"] = cyclic

const inputs: Readonly<Record<string, unknown>> = {
  nothing: undefined,
  null: null,
  "a number": 7,
  "a string": "prompt",
  "an array": [good],
  "a function": () => good,
  "no fields": {},
  "no agent": omit("agent"),
  "no systemPrompt": omit("systemPrompt"),
  "no prompt": omit("prompt"),
  "an empty model": { ...good, model: "" },
  "an empty systemPrompt": { ...good, systemPrompt: "" },
  "a prompt of another kind": { ...good, prompt: 7 },
  "a prompt that is null": { ...good, prompt: null },
  "an agent that is an object": { ...good, agent: {} },
  "an unknown field": { ...good, timeout: 5 },
  "a misspelt field": { ...omit("systemPrompt"), sistemPrompt: "s" },
  "several problems": { ...good, prompt: "", schema: {}, cwd: "/" },
  "a prompt that is a function": { ...good, prompt: () => "p" },
  "an unknown field that is a function": { ...good, onEvent: () => {} },
  "a prompt that is a BigInt": { ...good, prompt: 1n },
  "a cyclic object": cyclic,
}

const outcomes: Record<string, unknown> = {}
for (const [name, input] of Object.entries(inputs)) {
  outcomes[name] = await mill.spawn(input as MillSpawnOptions).then(
    () => "accepted",
    (error: MillSpawnError) => ({
      isError: error instanceof Error,
      name: error.name,
      cause: error.cause,
      message: error.message,
      spawnId: error.spawnId ?? null,
      here: error.stack?.includes(import.meta.path),
    }),
  )
}
const extra = { ...good, agent: "with undefined", temperature: undefined, prompt: " " }
export default { outcomes, accepted: [(await mill.spawn(extra)).agent, (await mill.spawn(good)).agent] }
