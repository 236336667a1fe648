// A room on socket.io with its Redis adapter, as its documentation has it. `node socketio.js <port> <port of Redis>`.
import { createAdapter } from "@socket.io/redis-adapter";
import { createServer } from "node:http";
import { createClient } from "redis";
import { Server } from "socket.io";

const [port, redisPort] = process.argv.slice(2).map(Number);
const publisher = createClient({ url: `redis://127.0.0.1:${redisPort}` });
const subscriber = publisher.duplicate();
await Promise.all([publisher.connect(), subscriber.connect()]);

const http = createServer();
const io = new Server(http, { transports: ["websocket"], adapter: createAdapter(publisher, subscriber) });

io.on("connection", (socket) => {
  socket.join("room");
  socket.on("chat", (message) => io.to("room").emit("chat", message));
});

http.listen({ host: "127.0.0.1", port, backlog: 4096 });
