import { test } from "bun:test"
import { makeWorld } from "../support/mill.ts"
import { chosenFaults } from "./faults.ts"
import { makeStage, startRun, logText, hasSnapshot } from "./stage.ts"
const stage = makeStage(makeWorld())
const f = chosenFaults.find(f => /exit/.test(f.name))!
test("x", async () => {
  for (let i = 0; i < 5; i++) {
    const t0 = Date.now()
    const run = await startRun(stage)
    const t = Date.now()
    const s = await f.strike(run).catch(String)
    console.log("start", t - t0, "strike", Date.now() - t, s, hasSnapshot(run))
    const ev = logText(run).trimEnd().split("\n").map((l) => JSON.parse(l))
    let prev = Date.parse(ev[0].timestamp)
    for (const e of ev) { const d = Date.parse(e.timestamp) - prev; prev += d; if (d > 200) console.log("   gap", d, e.sequence, e.type, e.payload.spawnId) }
  }
}, 200000)
