/// <reference types="@mill/core/program" />
// Two steps in sequence: a scout looks for risks, and a planner turns the findings into a plan.
// Pass the directory to review after `--`: mill run examples/sequential.ts --driver offline --sync -- src/auth

const folder = mill.args[0] ?? "src"

const scan = await mill.spawn({
  agent: "scout",
  systemPrompt: "You are a code risk analyst. Prioritize the findings with the highest impact.",
  prompt: `Review ${folder} and summarize the top security and reliability risks.`,
  model: "openai/gpt-5.3-codex",
})

const plan = await mill.spawn({
  agent: "planner",
  systemPrompt: "You turn findings into a step-by-step plan.",
  prompt: `Make a plan from this analysis:\n\n${scan.text}`,
  model: "anthropic/claude-sonnet-4-6",
})

export default { folder, analysis: scan.text, plan: plan.text }
