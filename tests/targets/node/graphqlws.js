// graphql-ws at /graphql: subscription{msg(ch:"NAME"){seq ts_us body}} gets what is published to NAME;
// a body that is no JSON object comes as `body`.
'use strict';
const { WebSocketServer } = require('ws');
const { buildSchema } = require('graphql');
const { useServer } = require('graphql-ws/use/ws');
const { Rooms, http, listen, publisher, value } = require('./lib');

const schema = buildSchema(`
  type Query { ok: Boolean }
  type Message { seq: Int ts_us: Float body: String }
  type Subscription { msg(ch: String!): Message }
`);
const rooms = new Rooms();
const hub = (name, text) => {
  const found = value(text);
  const msg = typeof found === 'object' ? found : { body: String(found) };
  for (const take of rooms.of(name)) take({ msg });
};

// An endless iterator over what is published to a channel, with a queue for what nobody awaits yet.
const subscribe = (_, { ch }) => {
  const queue = [];
  let wake = () => {};
  const take = (item) => { queue.push(item); wake(); };
  rooms.join(ch, take);
  return {
    [Symbol.asyncIterator]() { return this; },
    async next() {
      while (!queue.length) await new Promise((resolve) => { wake = resolve; });
      return { done: false, value: queue.shift() };
    },
    async return() {
      rooms.leave(take);
      return { done: true, value: undefined };
    },
  };
};
schema.getSubscriptionType().getFields().msg.subscribe = subscribe;

const server = http.createServer();
useServer({ schema }, new WebSocketServer({ server, path: '/graphql' }));
publisher(server, hub);
listen(server, 18105);
