/** Sends every prompt and returns each answer or error. */
import { loneSurrogate, prompts } from "./prompts.ts"

const send = (prompt: string) =>
  mill.spawn({ agent: "a", systemPrompt: "You are\nterse.", prompt, model: "m" }).then(
    ({ text }) => ({ text }),
    ({ cause, message, name, spawnId }: MillSpawnError) => ({ name, cause, message, spawnId }),
  )

export default await Promise.all([...prompts.map(([, prompt]) => prompt), loneSurrogate].map(send))
