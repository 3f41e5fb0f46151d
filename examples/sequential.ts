/// <reference types="@mill/core/program" />
export default (await mill.spawn({ agent: "a", systemPrompt: "s", prompt: "p", model: "m" })).text
