/** The models of a real pi, as `mill --help --json` prints them. */
import { expect, test } from "bun:test"
import { mkdirSync, writeFileSync } from "node:fs"
import { dirname, join } from "node:path"
import { makeAgentPlace, describeWithAgent } from "../support/agents.ts"
import { makeWorld, waitFor } from "../support/mill.ts"
import { timeout } from "./stage.ts"

const world = makeWorld()

describeWithAgent("pi", "the models of pi", () => {
  test(
    "are the usable models, or the enabled ones",
    async () => {
      // Listing models sends no request, so there is no server.
      await using place = await makeAgentPlace("pi", "http://127.0.0.1:9")
      const bin = join(dirname(place.home), "bin")
      mkdirSync(bin)
      const command = place.command.map((word) => `'${word}'`).join(" ")
      writeFileSync(join(bin, "pi"), `#!/bin/sh\nexec ${command} "$@"\n`, { mode: 0o755 })
      const env = { ...place.env, PATH: `${bin}:/usr/bin:/bin`, ANTHROPIC_API_KEY: "test-key" }
      const discover = async () => {
        const { stdout } = await world.mill(["--help", "--json"], { cwd: place.cwd, env })
        return JSON.parse(stdout).drivers.pi
      }
      // On a busy machine, pi needs more than the 3 seconds that mill gives it.
      const all = await waitFor("pi lists its models", async () => {
        const found = await discover()
        return /did not answer within/.test(found.modelsProblem) ? undefined : found
      })
      expect(all).toMatchObject({ modelsFrom: "agent", default: true })
      expect(all).not.toHaveProperty("modelsProblem")
      expect(all.models).toContain("fake/fake-model")
      expect(all.models.length).toBeGreaterThan(2)
      writeFileSync(join(place.home, ".pi/agent/settings.json"), '{"enabledModels":["fake/fake-model"]}')
      expect(await discover()).toMatchObject({ modelsFrom: "agent", models: ["fake/fake-model"] })
    },
    timeout,
  )
})
