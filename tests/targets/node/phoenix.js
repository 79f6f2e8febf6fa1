// Not Phoenix: a scripted server that speaks what its channels' client guide says, for the example of
// docs/add-a-dialect.md. Serializer 2: [join_ref, ref, topic, event, payload] at /socket/websocket.
// Topics `room:NAME` may be joined, any other is refused; POST /pub/NAME broadcasts `new_msg` to it.
'use strict';
const { WebSocketServer } = require('ws');
const { Rooms, http, listen, publisher, value } = require('./lib');

const rooms = new Rooms();
const joined = new Map();
const say = (socket, message) => socket.send(JSON.stringify(message));
const reply = (socket, [joinRef, ref, topic], status, response) => {
  say(socket, [joinRef, ref, topic, 'phx_reply', { response, status }]);
};
const take = (socket, message) => {
  const [joinRef, , topic, event] = message;
  if (topic === 'phoenix' && event === 'heartbeat') {
    reply(socket, message, 'ok', {});
  } else if (event === 'phx_join' && topic.startsWith('room:')) {
    joined.set(socket, joinRef);
    rooms.join(topic.slice('room:'.length), socket);
    reply(socket, message, 'ok', {});
  } else {
    reply(socket, message, 'error', { reason: 'unmatched topic' });
  }
};

const server = http.createServer();
const sockets = new WebSocketServer({ server, path: '/socket/websocket' });
sockets.on('connection', (socket) => {
  socket.on('message', (data) => take(socket, JSON.parse(data)));
  socket.on('error', () => {});
  socket.on('close', () => {
    rooms.leave(socket);
    joined.delete(socket);
  });
});
publisher(server, (name, text) => {
  for (const socket of rooms.of(name)) {
    say(socket, [joined.get(socket), null, `room:${name}`, 'new_msg', { body: value(text) }]);
  }
});
listen(server, 18106);
