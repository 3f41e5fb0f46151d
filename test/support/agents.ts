/**
 * The real agent CLIs of test/agents: how to find and start them, and how to point them at a model server instead of their
 * vendor. `npm run agents` installs them: the newest versions, and in test/agents/oldest the oldest that mill supports.
 */
import { describe, test } from "bun:test"
import { existsSync } from "node:fs"
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { isMissing } from "./requirements.ts"

export type AgentName = "claude" | "codex" | "pi"

/** Adapters from an agent to the Agent Client Protocol. They are scripts that run on Bun and on Node. */
export type AdapterName = "claude-agent-acp" | "codex-acp" | "pi-acp"

/** Which supported versions. Adapters are only among the newest. */
export type AgentSet = "newest" | "oldest"
const folders: Record<AgentSet, string> = { newest: "../agents", oldest: "../agents/oldest" }

/** For each agent, a model name that it accepts without a warning. */
export const agentModel: Record<AgentName, string> = {
  claude: "claude-sonnet-4-5",
  codex: "fake-model",
  pi: "fake-model",
}

export const findExecutable = (name: AgentName | AdapterName, set: AgentSet = "newest"): string =>
  join(import.meta.dir, folders[set], "node_modules/.bin", name)

/** Finds the command that starts an agent. pi always runs on Bun; codex's wrapper runs on Bun if Node is missing. */
export const findAgentCommand = (name: AgentName, set?: AgentSet): ReadonlyArray<string> => {
  const needsBun = name === "pi" || (name === "codex" && Bun.which("node") === null)
  const executable = findExecutable(name, set)
  return needsBun ? [process.execPath, executable] : [executable]
}

export interface AgentPlace extends AsyncDisposable {
  /** The agent's command, without arguments. */
  readonly command: ReadonlyArray<string>
  readonly home: string
  /** An empty working directory. */
  readonly cwd: string
  /** The complete environment of the agent. */
  readonly env: Readonly<Record<string, string>>
}

const codexConfig = (url: string) => `model = "fake-model"
model_provider = "fake"

[analytics]
enabled = false

[model_providers.fake]
name = "fake"
base_url = "${url}/v1"
env_key = "FAKE_API_KEY"
wire_api = "responses"
request_max_retries = 1
stream_max_retries = 1
`

const piModels = (url: string) => ({
  providers: {
    fake: {
      baseUrl: `${url}/v1`,
      api: "openai-completions",
      apiKey: "test-key",
      models: [
        {
          id: "fake-model",
          contextWindow: 128_000,
          maxTokens: 16_384,
          cost: { input: 1, output: 2, cacheRead: 0, cacheWrite: 0 },
        },
      ],
    },
  },
})

const settings: Record<AgentName, (url: string) => Readonly<Record<string, string>>> = {
  claude: (url) => ({
    ANTHROPIC_BASE_URL: url,
    ANTHROPIC_API_KEY: "test-key",
    CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC: "1",
    CLAUDE_CODE_MAX_RETRIES: "1",
    DISABLE_AUTOUPDATER: "1",
    DISABLE_ERROR_REPORTING: "1",
    DISABLE_TELEMETRY: "1",
  }),
  codex: () => ({ FAKE_API_KEY: "test-key" }),
  pi: () => ({ PI_OFFLINE: "1", PI_SKIP_VERSION_CHECK: "1", PI_TELEMETRY: "0" }),
}

/**
 * Makes a home for one agent, set up to use the model server at `url`. Disposing removes it.
 *
 * TMPDIR is beside the home, because codex refuses a home inside the temporary directory.
 */
export const makeAgentPlace = async (name: AgentName, url: string, set?: AgentSet): Promise<AgentPlace> => {
  const root = await mkdtemp(join(tmpdir(), `mill-${name}-`))
  const [home, cwd, temp] = [join(root, "home"), join(root, "work"), join(root, "tmp")]
  for (const folder of [join(home, ".codex"), join(home, ".pi/agent"), cwd, temp])
    await mkdir(folder, { recursive: true })
  await writeFile(join(home, ".codex/config.toml"), codexConfig(url))
  await writeFile(join(home, ".pi/agent/models.json"), JSON.stringify(piModels(url)))
  return {
    command: findAgentCommand(name, set),
    home,
    cwd,
    env: {
      PATH: process.env["PATH"] ?? "/usr/bin:/bin",
      LANG: "C.UTF-8",
      HOME: home,
      TMPDIR: temp,
      ...settings[name](url),
    },
    [Symbol.asyncDispose]: () => rm(root, { recursive: true, force: true, maxRetries: 10, retryDelay: 50 }),
  }
}

/**
 * `describe` for tests that need a real agent. If the agent is not installed, they are skipped, or fail with
 * MILL_REQUIRE_AGENTS=1.
 */
export const describeWithAgent = (
  name: AgentName | AdapterName,
  title: string,
  define: () => void,
  set?: AgentSet,
): void => {
  if (existsSync(findExecutable(name, set))) return void describe(title, define)
  if (isMissing("real agents", false)) return void describe.skip(title, define)
  describe(title, () => {
    test(`${name} is installed`, () => {
      throw new Error(`${name} is not installed; run npm run agents`)
    })
  })
}
