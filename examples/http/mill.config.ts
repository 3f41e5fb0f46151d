/**
 * Drivers for HTTP APIs: a server on this machine, and the APIs of two vendors. The vendors' keys are read from the environment.
 * The server's port here is Ollama's; llama.cpp, vLLM and LM Studio use others.
 */
import {
  anthropicMessagesCodec,
  chatCompletionsCodec,
  defineConfig,
  httpDriver,
  responsesCodec,
} from "@mill/core"

export default defineConfig({
  defaultDriver: "local",
  drivers: {
    local: httpDriver({
      url: "http://localhost:11434",
      codec: chatCompletionsCodec({ body: { temperature: 0 } }),
    }),
    anthropic: httpDriver({
      url: "https://api.anthropic.com",
      codec: anthropicMessagesCodec({ maxTokens: 4096 }),
      apiKey: { env: "ANTHROPIC_API_KEY" },
    }),
    openai: httpDriver({
      url: "https://api.openai.com/v1",
      codec: responsesCodec(),
      apiKey: { env: "OPENAI_API_KEY" },
      timeout: 600,
    }),
  },
})
