/// <reference types="@mill/core/program" />
// A conversation with a model through an HTTP API. Each question continues from the previous answer.
// Pass the model and the questions after `--`: mill run conversation.ts --sync -- qwen3 "What is a monad?" "Shorter, please."

const [model = "qwen3", ...questions] = mill.args

const answers: Array<string> = []
let sessionRef: string | undefined
for (const prompt of questions.length > 0 ? questions : ["Name a prime number.", "And the next one?"]) {
  const answer = await mill.spawn({
    agent: "tutor",
    systemPrompt: "You answer in one sentence.",
    prompt,
    model,
    sessionRef,
  })
  answers.push(answer.text)
  sessionRef = answer.sessionRef
}

export default answers
