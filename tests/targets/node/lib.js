// What the servers of this folder share: POST /pub/CHANNEL gives the body to `hub`, /ok answers,
// /account tells what was published. TICK_MS=100 publishes {"seq","ts_us"} to channel "tick".
'use strict';
const http = require('http');
exports.http = http;

// A body that is JSON is pushed as JSON, any other as a string: servers that re-serialise take both.
exports.value = (text) => {
  try { return JSON.parse(text); } catch { return text; }
};

// Microseconds since 1970, exact as a double.
const wallMicros = () => Math.round((performance.timeOrigin + performance.now()) * 1000);

const account = (exports.account = new Map());
exports.counted = (channel) => {
  if (!account.has(channel)) account.set(channel, { published: 0, handed: 0 });
  return account.get(channel);
};

const read = (request, done) => {
  const parts = [];
  request.on('data', (part) => parts.push(part));
  request.on('end', () => done(Buffer.concat(parts).toString()));
};

exports.publisher = (server, hub) => {
  const others = server.listeners('request').slice();
  server.removeAllListeners('request');
  server.on('request', (request, response) => {
    const publish = /^\/pub\/([\w.~-]+)$/.exec(request.url);
    if (publish && request.method === 'POST') {
      read(request, (body) => {
        exports.counted(publish[1]).published += 1;
        hub(publish[1], body);
        response.writeHead(202).end();
      });
    } else if (request.url === '/ok') {
      response.end(`ok ${process.pid}\n`);
    } else if (request.url === '/account') {
      response.end(JSON.stringify(Object.fromEntries(account)));
    } else if (others.length) {
      for (const other of others) other.call(server, request, response);
    } else {
      response.writeHead(404).end();
    }
  });
  let seq = 0;
  const tick = () => hub('tick', JSON.stringify({ seq: seq++, ts_us: wallMicros() }));
  if (Number(process.env.TICK_MS)) setInterval(tick, Number(process.env.TICK_MS));
};

exports.listen = (server, port) => {
  // Node closes idle connections after 5 s; a publisher that pauses longer would race a reset.
  server.keepAliveTimeout = 120_000;
  server.listen({ port: Number(process.env.PORT) || port, host: '127.0.0.1', backlog: 4096 }, () => {
    console.error(`listening on 127.0.0.1:${server.address().port}`);
  });
};

// Channels and who listens to them.
exports.Rooms = class {
  #rooms = new Map();

  join(name, member) {
    if (!this.#rooms.has(name)) this.#rooms.set(name, new Set());
    this.#rooms.get(name).add(member);
  }

  leave(member) {
    for (const [name, room] of this.#rooms) {
      if (room.delete(member) && room.size === 0) this.#rooms.delete(name);
    }
  }

  of(name) {
    return this.#rooms.get(name) || [];
  }
};
