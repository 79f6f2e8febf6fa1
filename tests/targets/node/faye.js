// Bayeux by Faye at /faye: what is published to NAME goes to channel /NAME. TIMEOUT=45: seconds a
// /meta/connect is held; PING=25: seconds between pings of a WebSocket.
'use strict';
const faye = require('faye');
const { http, listen, publisher, value } = require('./lib');

const server = http.createServer();
const bayeux = new faye.NodeAdapter({
  mount: '/faye',
  timeout: Number(process.env.TIMEOUT) || 45,
  ping: Number(process.env.PING) || 25,
});
bayeux.attach(server);
publisher(server, (name, text) => bayeux.getClient().publish(`/${name}`, value(text)));
listen(server, 18103);
