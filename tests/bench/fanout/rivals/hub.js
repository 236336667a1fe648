// The plainest room on Node and ws: what one says, all hear. `node hub.js <port> [milliseconds of a window]`.
import { WebSocketServer } from "ws";

const [port, window] = process.argv.slice(2).map(Number);
const server = new WebSocketServer({ host: "127.0.0.1", port, backlog: 4096, perMessageDeflate: false });
let waiting = [];

function tell(data) {
  for (const client of server.clients) {
    if (client.readyState === 1) client.send(data, { binary: false });
  }
}

function flush() {
  const batch = Buffer.from(`[${waiting.join(",")}]`);
  waiting = [];
  tell(batch);
}

server.on("connection", (client) => {
  client.on("error", () => {});
  client.on("message", (data) => {
    if (!window) {
      tell(data);
      return;
    }
    if (waiting.push(data) === 1) setTimeout(flush, window);
  });
});
