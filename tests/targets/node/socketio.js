// Socket.IO 4: the event `sub` joins a room and is acknowledged, what is published to a room is its
// event `msg`. Namespace /auth wants {"token":"secret"}. PING=5000: ping interval; RECOVER=1: connection
// state recovery.
'use strict';
const { Server } = require('socket.io');
const { http, listen, publisher, value } = require('./lib');

const server = http.createServer();
const io = new Server(server, {
  pingInterval: Number(process.env.PING) || 25_000,
  pingTimeout: 20_000,
  connectionStateRecovery: process.env.RECOVER ? { maxDisconnectionDuration: 120_000 } : undefined,
});
io.on('connection', (socket) => {
  socket.on('sub', (room, acknowledge) => {
    socket.join(room);
    if (acknowledge) acknowledge({ ok: true });
  });
  socket.on('pub', (room, message) => io.to(room).emit('msg', message));
  socket.on('echo', (message) => socket.emit('msg', message));
});
const auth = io.of('/auth');
auth.use((socket, next) => {
  next(socket.handshake.auth.token === 'secret' ? undefined : new Error('bad token'));
});
auth.on('connection', (socket) => {
  socket.on('sub', (room, acknowledge) => {
    socket.join(room);
    if (acknowledge) acknowledge({ ok: true });
  });
});
publisher(server, (room, text) => {
  io.to(room).emit('msg', value(text));
  auth.to(room).emit('msg', value(text));
});
listen(server, 18101);
