// SockJS at /push: the message {"sub":"NAME"} joins a channel and is answered {"subok":"NAME"}.
// PING=5000: heartbeat; LIMIT=4096: bytes after which a streaming response ends.
'use strict';
const sockjs = require('sockjs');
const { Rooms, http, listen, publisher, value } = require('./lib');

const server = http.createServer();
const rooms = new Rooms();
const hub = (name, text) => {
  for (const connection of rooms.of(name)) connection.write(text);
};
const push = sockjs.createServer({
  prefix: '/push',
  sockjs_url: '/sockjs.js',
  heartbeat_delay: Number(process.env.PING) || 25_000,
  response_limit: Number(process.env.LIMIT) || 131_072,
  log: () => {},
});
push.on('connection', (connection) => {
  connection.on('data', (text) => {
    const { sub, pub, data } = Object(value(text));
    if (sub) {
      rooms.join(sub, connection);
      connection.write(JSON.stringify({ subok: sub }));
    } else if (pub) {
      hub(pub, JSON.stringify(data));
    } else {
      connection.write(text);
    }
  });
  connection.on('close', () => rooms.leave(connection));
});
push.installHandlers(server);
publisher(server, hub);
listen(server, 18102);
