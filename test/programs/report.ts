/**
 * Spawns an agent for each argument, all at once, and returns the results and errors. Arguments after `then` are spawned
 * afterwards, one at a time.
 */
const spawn = (agent: string) => {
  const prompt = agent.startsWith("a deaf") ? "p".repeat(1024 * 1024) : "p"
  return mill.spawn({ agent, systemPrompt: "s", prompt, model: "m" }).then(
    (result) => ({ result }),
    ({ cause, message, name, result, spawnId }: MillSpawnError) => ({
      error: { name, message, cause, spawnId, result },
    }),
  )
}

const then = mill.args.indexOf("then")
const together = then === -1 ? mill.args : mill.args.slice(0, then)
const reports: Array<unknown> = await Promise.all(together.map(spawn))
for (const agent of mill.args.slice(together.length + 1)) reports.push(await spawn(agent))

export default reports
