// A plain WebSocket server: /ws?ch=NAME joins a channel, POST /pub/NAME sends the body to its members.
// DEFLATE=1: compresses every message when the client offers it. PING=MS: pings every client so often,
// and ends those that have not answered the last one.
'use strict';
const http = require('http');
const { WebSocketServer } = require('ws');

const rooms = new Map();
const join = (socket, name) => {
  if (!rooms.has(name)) rooms.set(name, new Set());
  rooms.get(name).add(socket);
};
const leave = (socket, name) => {
  const room = rooms.get(name);
  if (room && room.delete(socket) && room.size === 0) rooms.delete(name);
};
const send = (name, text) => {
  for (const socket of rooms.get(name) || []) socket.send(text);
};

const server = http.createServer((request, response) => {
  const publish = /^\/pub\/([\w-]+)$/.exec(request.url);
  if (publish && request.method === 'POST') {
    const parts = [];
    request.on('data', (part) => parts.push(part));
    request.on('end', () => {
      send(publish[1], Buffer.concat(parts).toString());
      response.writeHead(202).end();
    });
  } else if (request.url === '/ok') {
    response.end('ok\n');
  } else {
    response.writeHead(404).end();
  }
});
// Node closes idle connections after 5 s; a publisher that pauses longer would race a reset.
server.keepAliveTimeout = 120_000;

const perMessageDeflate = process.env.DEFLATE === '1' && { threshold: 0 };
const sockets = new WebSocketServer({ server, path: '/ws', perMessageDeflate });
sockets.on('connection', (socket, request) => {
  const name = new URL(request.url, 'http://localhost').searchParams.get('ch');
  if (!name) return socket.close(1008, 'no channel');
  join(socket, name);
  // `ws` ends the connection after an error; without a listener the process would end with it.
  socket.on('error', () => {});
  socket.on('pong', () => { socket.silent = false; });
  socket.on('close', () => leave(socket, name));
});

const every = Number(process.env.PING);
if (every > 0) {
  setInterval(() => {
    for (const socket of sockets.clients) {
      if (socket.silent) {
        socket.terminate();
      } else {
        socket.silent = true;
        socket.ping();
      }
    }
  }, every);
}

const port = Number(process.env.PORT) || 18104;
server.listen({ port, host: '127.0.0.1', backlog: 4096 }, () => {
  console.error(`listening on 127.0.0.1:${port}`);
});
