// Runs examples/receiver_express for its test: each line of input keeps a sign-in, each line out is what is kept.
import { createInterface } from "node:readline";
import { sessions } from "../../examples/receiver_express/receiver.js";

createInterface({ input: process.stdin }).on("line", (line) => {
  for (const [sid, sub] of Object.entries(JSON.parse(line))) sessions.set(sid, { sub });
  console.log(JSON.stringify([...sessions.keys()].sort()));
});
