// node publish.js nats|mqtt PORT: reads `channel<TAB>payload` lines and publishes each over TCP. A
// publisher for targets that take no HTTP: `exec = "node tests/targets/publish.js nats 18211"`.
// Ends with the input, once everything was written; exit code 1 when the server goes first.
'use strict';
const net = require('net');
const readline = require('readline');

// MQTT's variable-length number: seven bits a byte, the least first.
const varint = (n) => (n < 128 ? [n] : [(n & 127) | 128, ...varint(n >> 7)]);
const text = (s) => {
  const bytes = Buffer.from(s);
  return Buffer.concat([Buffer.from([bytes.length >> 8, bytes.length & 255]), bytes]);
};
const packet = (head, ...parts) => {
  const body = Buffer.concat(parts);
  return Buffer.concat([Buffer.from([head, ...varint(body.length)]), body]);
};

const protocols = {
  nats: {
    // Not verbose: no +OK for each PUB.
    hello: () => Buffer.from('CONNECT {"verbose":false,"pedantic":false}\r\nPING\r\n'),
    isReady: (seen) => seen.includes('PONG\r\n'),
    message: (channel, payload) => Buffer.from(`PUB ${channel} ${Buffer.byteLength(payload)}\r\n${payload}\r\n`),
    answer: (data) => (data.includes('PING\r\n') ? Buffer.from('PONG\r\n') : null),
    bye: () => Buffer.alloc(0),
  },
  mqtt: {
    // CONNECT: level 4, clean session, keep-alive off, a client id of our own.
    hello: () => packet(0x10, text('MQTT'), Buffer.from([4, 2, 0, 0]), text(`pub${process.pid}`)),
    isReady: (seen) => seen.length >= 4,
    message: (channel, payload) => packet(0x30, text(channel), Buffer.from(payload)),
    answer: () => null,
    bye: () => Buffer.from([0xe0, 0]),
  },
};

const protocol = protocols[process.argv[2]];
const port = Number(process.argv[3]);
if (!protocol || !port) {
  console.error('usage: node publish.js nats|mqtt PORT');
  process.exit(2);
}
let seen = Buffer.alloc(0);
let begun = false;
let ending = false;
const socket = net.connect({ port, host: '127.0.0.1', noDelay: true });
const begin = () => {
  begun = true;
  const lines = readline.createInterface({ input: process.stdin });
  lines.on('line', (line) => {
    const tab = line.indexOf('\t');
    socket.write(protocol.message(line.slice(0, tab), line.slice(tab + 1)));
  });
  lines.on('close', () => {
    ending = true;
    socket.end(protocol.bye());
  });
};
socket.on('connect', () => socket.write(protocol.hello()));
socket.on('data', (data) => {
  const answer = protocol.answer(data.toString('latin1'));
  if (answer && begun) socket.write(answer);
  if (begun) return;
  seen = Buffer.concat([seen, data]);
  if (protocol.isReady(seen)) begin();
});
socket.on('error', (error) => {
  console.error(`${process.argv[2]} at port ${port}: ${error.message}`);
  process.exit(1);
});
socket.on('close', () => process.exit(ending ? 0 : 1));
