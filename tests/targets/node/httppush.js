// Push over plain HTTP with Express, as people write it: SSE, forever iframe, NDJSON, a length-prefixed
// stream, long poll and short poll with ?after=, JSONP. LP_MS: how long a poll is held; PING: heartbeat.
//
// /account tells for each channel how many messages were published and how many of them were handed to
// pollers: a long poll without `after` loses what comes between two polls, and this is what a harness's
// count of that loss is held against.
'use strict';
const express = require('express');
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
  const entry = { id: ++c.seq, text };
  c.log.push(entry);
  if (c.log.length > KEPT) c.log.shift();
  for (const write of c.live) write(entry);
  for (const answer of [...c.held]) answer();
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
app.get('/iframe/:ch', stream('text/html', (e) => `<script>parent.p(${e.id},${JSON.stringify(value(e.text))})</script>\n`, {
  hello: `<!doctype html><html><body><script>parent.hello()</script>${' '.repeat(1024)}\n`,
  beat: ' ',
}));
app.get('/ndjson/:ch', stream('application/x-ndjson', (e) => `${JSON.stringify(value(e.text))}\n`));
app.get('/lenpref/:ch', stream('application/octet-stream', prefixed, { hello: '', beat: '' }));

const items = (c, id) => since(c, id).map((entry) => value(entry.text));
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
publisher(server, hub);
listen(server, 18109);
