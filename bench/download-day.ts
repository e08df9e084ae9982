/**
 * What no exporter can go below: downloads every page of the day of its argument over one connection, and parses it.
 * Settings as the exporter has them. Imports nothing but Node's own, and prints how many sessions there were.
 */
import { Agent, request } from "node:http";

const PAGE_SIZE = 100;
const [day = ""] = process.argv.slice(2);
const dateFrom = new Date(day).toISOString();
const dateTo = new Date(Date.parse(day) + 86_400_000).toISOString();
const agent = new Agent({ keepAlive: true, maxSockets: 1 });
const base = `${process.env.KORE_HOST}/api/public/bot/${process.env.KORE_BOT_IDS}/getSessions`;

async function page(type: string, skip: number): Promise<{ sessions: unknown[]; moreAvailable: boolean }> {
  const body = JSON.stringify({ skip, limit: PAGE_SIZE, dateFrom, dateTo });
  const headers = { "content-type": "application/json", "content-length": Buffer.byteLength(body) };
  const { promise, resolve, reject } = Promise.withResolvers<Buffer>();
  const options = { method: "POST", agent, headers };
  const sent = request(`${base}?containmentType=${type}`, options, (response) => {
    const chunks: Buffer[] = [];
    response.on("data", (chunk: Buffer) => chunks.push(chunk));
    response.on("error", reject);
    response.on("end", () => resolve(Buffer.concat(chunks)));
  });
  sent.on("error", reject);
  sent.end(body);
  return JSON.parse((await promise).toString());
}

let sessions = 0;
for (const type of ["dropOff", "selfService", "agent"]) {
  let more = true;
  for (let skip = 0; more; skip += PAGE_SIZE) {
    const answer = await page(type, skip);
    sessions += answer.sessions.length;
    more = answer.moreAvailable;
  }
}
agent.destroy();
console.log(JSON.stringify({ sessions }));
