// Push as people write it, every way over one server: over plain HTTP with Express (SSE, forever iframe,
// NDJSON, a length-prefixed stream, long poll and short poll with ?after=, JSONP), over WebSocket with `ws`
// (/ws?ch=NAME), with Socket.IO (the event `sub` joins a room). LP_MS: how long a poll is held; PING: heartbeat.
//
// A message is parsed once, not for each receiver, so that none of these ways pays for another's needs.
//
// /account tells for each channel how many messages were published and how many of them were handed to
// pollers: a long poll without `after` loses what comes between two polls, and this is what a harness's
// count of that loss is held against.
'use strict';
const express = require('express');
const { Server } = require('socket.io');
const { WebSocketServer } = require('ws');
const { counted, http, listen, publisher, value } = require('./lib');

const KEPT = 1000;
const app = express();
const server = http.createServer(app);
const channels = new Map();
const channel = (name) => {
  if (!channels.has(name)) channels.set(name, { seq: 0, log: [], live: new Set(), held: new Set() });
  return channels.get(name);
};
const hub = (name, text) => {
  const c = channel(name);
  const entry = { id: ++c.seq, text, value: value(text) };
  c.log.push(entry);
  if (c.log.length > KEPT) c.log.shift();
  for (const write of c.live) write(entry);
  for (const answer of [...c.held]) answer();
  io.to(name).emit('msg', entry.value);
};
const since = (c, id) => c.log.filter((entry) => entry.id > id);

const stream = (type, encode, { hello = '\n', beat = '\n', resume = () => NaN } = {}) => (request, response) => {
  const c = channel(request.params.ch);
  const write = (entry) => response.write(encode(entry));
  response.writeHead(200, { 'Content-Type': type, 'Cache-Control': 'no-cache' });
  response.flushHeaders();
  if (hello) response.write(hello);
  const from = resume(request);
  if (!Number.isNaN(from)) since(c, from).forEach(write);
  c.live.add(write);
  const beats = beat && setInterval(() => response.write(beat), Number(process.env.PING) || 15_000);
  request.on('close', () => {
    c.live.delete(write);
    clearInterval(beats);
  });
};
const prefixed = ({ text }) => {
  const body = Buffer.from(text);
  const head = Buffer.alloc(4);
  head.writeUInt32BE(body.length);
  return Buffer.concat([head, body]);
};
app.get('/sse/:ch', stream('text/event-stream', (e) => `id: ${e.id}\nevent: msg\ndata: ${e.text}\n\n`, {
  hello: 'retry: 1000\n: hi\n\n',
  beat: ': hb\n\n',
  resume: (request) => parseInt(request.get('last-event-id'), 10),
}));
app.get('/iframe/:ch', stream('text/html', (e) => `<script>parent.p(${e.id},${JSON.stringify(e.value)})</script>\n`, {
  hello: `<!doctype html><html><body><script>parent.hello()</script>${' '.repeat(1024)}\n`,
  beat: ' ',
}));
app.get('/ndjson/:ch', stream('application/x-ndjson', (e) => `${JSON.stringify(e.value)}\n`));
app.get('/lenpref/:ch', stream('application/octet-stream', prefixed, { hello: '', beat: '' }));

const items = (c, id) => since(c, id).map((entry) => entry.value);
const after = (request, c) => Number(request.query.after ?? c.seq);
const hand = (request, list) => {
  counted(request.params.ch).handed += list.length;
  return list;
};
app.get('/poll/:ch', (request, response) => {
  const c = channel(request.params.ch);
  const list = hand(request, items(c, after(request, c)));
  response.json({ next: c.seq, items: list });
});
const held = (give) => (request, response) => {
  const c = channel(request.params.ch);
  const from = after(request, c);
  let timer;
  const forget = () => {
    c.held.delete(answer);
    clearTimeout(timer);
  };
  const answer = () => {
    forget();
    give(request, response, { next: c.seq, items: hand(request, items(c, from)) });
  };
  if (since(c, from).length) return answer();
  c.held.add(answer);
  timer = setTimeout(answer, Number(process.env.LP_MS) || 25_000);
  request.on('close', forget);
};
app.get('/lp/:ch', held((_, response, found) => {
  if (found.items.length) response.json(found);
  else response.status(204).end();
}));
app.get('/jsonp/:ch', held((request, response, found) => {
  response.type('js').send(`${request.query.cb}(${JSON.stringify(found)});`);
}));

// Neither of the two that speak WebSocket may refuse what is the other's.
const sockets = new WebSocketServer({ noServer: true, perMessageDeflate: false });
server.on('upgrade', (request, connection, head) => {
  const { pathname, searchParams } = new URL(request.url, 'http://localhost');
  if (pathname !== '/ws') return;
  sockets.handleUpgrade(request, connection, head, (socket) => {
    const c = channel(searchParams.get('ch'));
    const write = ({ text }) => socket.send(text);
    c.live.add(write);
    socket.on('error', () => {});
    socket.on('close', () => c.live.delete(write));
  });
});
const io = new Server(server, { pingInterval: 25_000, pingTimeout: 20_000, destroyUpgrade: false });
io.on('connection', (socket) => {
  socket.on('sub', (room, acknowledge) => {
    socket.join(room);
    if (acknowledge) acknowledge({ ok: true });
  });
});
publisher(server, hub);
listen(server, 18109);
