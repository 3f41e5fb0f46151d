/** The specification's example of a program (section 23), verbatim. Its second spawn names no model. */
export const canonicalProgram = `const scan = await mill.spawn({
  agent: "scout",
  systemPrompt: "You are a code risk analyst. Prioritize highest-impact findings.",
  prompt: "Review src/auth and summarize top security and reliability risks.",
  model: "openai/gpt-5.3-codex",
});

const synth = await mill.spawn({
  agent: "synth",
  systemPrompt: "You turn findings into an execution-ready plan.",
  prompt: \`Create a step-by-step remediation plan from this analysis:\\n\\n\${scan.text}\`,
});

console.log(synth.text);
`
