// A plain WebSocket server (npm `ws`): /ws?ch=NAME joins a channel, so does the text {"sub":"NAME"}
// (answered {"subok":"NAME"}); {"pub":"NAME","data":..} publishes; anything else is echoed.
// DEFLATE=1 offers permessage-deflate, PING=5000 pings every 5 s.
'use strict';
const { WebSocketServer } = require('ws');
const { Rooms, http, listen, publisher } = require('./lib');

const rooms = new Rooms();
const hub = (name, text) => {
  for (const socket of rooms.of(name)) socket.send(text);
};
const parsed = (text) => {
  try { return Object(JSON.parse(text)); } catch { return {}; }
};
const take = (socket, data, binary) => {
  if (binary) return socket.send(data);
  const text = data.toString();
  const { sub, pub, data: body } = parsed(text);
  if (sub) {
    rooms.join(sub, socket);
    socket.send(JSON.stringify({ subok: sub }));
  } else if (pub) {
    hub(pub, JSON.stringify(body));
  } else {
    socket.send(text);
  }
};

const server = http.createServer();
const sockets = new WebSocketServer({ server, path: '/ws', perMessageDeflate: process.env.DEFLATE === '1' && { threshold: 0 } });
sockets.on('connection', (socket, request) => {
  const name = new URL(request.url, 'http://localhost').searchParams.get('ch');
  if (name) rooms.join(name, socket);
  socket.on('message', (data, binary) => take(socket, data, binary));
  // `ws` ends the connection after an error; without a listener the process would end with it.
  socket.on('error', () => {});
  socket.on('close', () => rooms.leave(socket));
});
const ping = Number(process.env.PING);
if (ping) setInterval(() => sockets.clients.forEach((socket) => socket.ping()), ping);
publisher(server, hub);
listen(server, 18104);
